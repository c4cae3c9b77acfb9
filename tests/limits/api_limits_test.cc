// Every public call of an open Engine under every limit of the process. A call must return a Status about the
// machine's state. It must not report damage or an internal error, throw an exception or end the process.
// Once the limit is lifted, the engine must work, after a reopen if it reports that it is poisoned.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/admin/inspect.h"
#include "engine/engine.h"
#include "tests/limits/limited_run.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

struct Call {
  const char* name;
  std::function<Status(Engine& engine, const std::string& scratch)> run;
};

Status CommitOf(Engine& engine, const std::function<void(WriteBatch&)>& fill) {
  WriteBatch batch;
  fill(batch);
  return engine.Commit(batch).status;
}

// Commits, reads and syncs through a session. Returns the first error.
Status UseSession(Engine& engine) {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, engine.OpenSession());
  WriteBatch batch;
  batch.Put("large", std::string(300'000, 's'));
  std::vector<std::byte> memory(2 * 300'000);
  const SessionRead reads[] = {{"kept", Bytes(memory).first(300'000)},
                               {"large", Bytes(memory).last(300'000)}};
  Status first = session->SubmitCommit(std::move(batch)).status();
  const auto note = [&first](const Status& status) {
    if (first.ok()) first = status;
  };
  if (const Status registered = session->RegisterMemory(Bytes(memory));
      registered.code() != StatusCode::kNotSupported) {
    note(registered);
  }
  note(session->SubmitGet(reads).status());
  note(session->SubmitSync().status());
  std::vector<SessionCompletion> completions(8);
  while (session->Wait(-1)) {
    const size_t count = session->Drain(completions);
    for (size_t i = 0; i < count; ++i) {
      note(completions[i].status);
      for (const SessionAnswer& answer : completions[i].answers) note(answer.status);
    }
  }
  note(session->Close());
  return first;
}

const std::vector<Call>& Calls() {
  static const auto& calls = *new std::vector<Call>{
      {"Put", [](Engine& e, const std::string&) { return CommitOf(e, [](WriteBatch& b) { b.Put("small", "2"); }); }},
      {"PutPayload",
       [](Engine& e, const std::string&) {
         return CommitOf(e, [](WriteBatch& b) { b.Put("large", std::string(300'000, 'y')); });
       }},
      {"Delete", [](Engine& e, const std::string&) { return CommitOf(e, [](WriteBatch& b) { b.Delete("gone"); }); }},
      {"Empty", [](Engine& e, const std::string&) { return CommitOf(e, [](WriteBatch&) {}); }},
      {"Sync", [](Engine& e, const std::string&) { return e.Sync(); }},
      {"Get", [](Engine& e, const std::string&) { return e.Get("kept").status(); }},
      {"MultiGet",
       [](Engine& e, const std::string&) {
         const std::string_view keys[] = {"kept", "small"};
         return e.MultiGet(keys).front().status();
       }},
      {"MultiGetInto",
       [](Engine& e, const std::string&) {
         std::vector<std::byte> memory(2 * 300'000);
         const SessionRead reads[] = {{"kept", Bytes(memory).first(300'000)}, {"large", Bytes(memory).last(300'000)}};
         for (const SessionAnswer& answer : e.MultiGetInto(reads)) RAWKV_RETURN_IF_ERROR(answer.status);
         return Status::Ok();
       }},
      {"Iterate",
       [](Engine& e, const std::string&) -> Status {
         RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Iterator> it, e.NewIterator());
         for (it->SeekToFirst(); it->Valid(); it->Next()) RAWKV_RETURN_IF_ERROR(it->ReadValue().status());
         return it->status();
       }},
      {"OpenView", [](Engine& e, const std::string&) { return e.OpenView(Version(2)).status(); }},
      {"EstimateView", [](Engine& e, const std::string&) { return e.EstimateView(Version(2)).status(); }},
      {"GetCommit", [](Engine& e, const std::string&) { return e.GetCommit(Version(2)).status(); }},
      {"ReadHistory",
       [](Engine& e, const std::string&) {
         return e.ReadHistory({.changes = true}, [](const HistoryEntry&) { return Status::Ok(); });
       }},
      {"Diff",
       [](Engine& e, const std::string&) {
         return e.Diff({.from = Version(1), .to = Version(2)}, [](const KeyDifference&) { return Status::Ok(); });
       }},
      {"Diff by comparison",
       [](Engine& e, const std::string&) {
         return e.Diff({.from = Version(1), .to = Version(2), .way = DiffWay::kComparison},
                       [](const KeyDifference&) { return Status::Ok(); });
       }},
      {"FindVersionAt", [](Engine& e, const std::string&) { return e.FindVersionAt(UINT64_MAX).status(); }},
      {"ChangeSettings",
       [](Engine& e, const std::string&) { return e.ChangeSettings({.keep_for_seconds = 3600}).status(); }},
      {"AcknowledgeGivenUp", [](Engine& e, const std::string&) { return e.AcknowledgeGivenUp(); }},
      {"Session", [](Engine& e, const std::string&) { return UseSession(e); }},
      {"CreateSnapshot", [](Engine& e, const std::string&) { return e.CreateSnapshot().status(); }},
      {"Pin", [](Engine& e, const std::string&) { return e.Pin("p").status(); }},
      {"Unpin", [](Engine& e, const std::string&) { return e.Unpin("p"); }},
      {"Prune", [](Engine& e, const std::string&) { return e.Prune(1).status(); }},
      {"PlanRollback", [](Engine& e, const std::string&) { return e.PlanRollback(e.version()).status(); }},
      {"Export",
       [](Engine& e, const std::string& scratch) {
         return e.Export({.version = e.version(), .out = scratch + "/export", .progress = {}});
       }},
      {"Scrub", [](Engine& e, const std::string&) { return e.Scrub({.restart = true}).status(); }},
      {"GrowDevice", [](Engine& e, const std::string&) { return e.GrowDevice().status(); }},
      {"WriteCheckpoint", [](Engine& e, const std::string&) { return e.WriteCheckpoint().status(); }},
      {"TrimDevice", [](Engine& e, const std::string&) { return e.TrimDevice().status(); }},
      {"Info", [](Engine& e, const std::string&) { return e.Info().status(); }}};
  return calls;
}

// Sets a soft limit, so that the destructor can lift it.
class SoftLimit {
 public:
  SoftLimit(int resource, rlim_t value) : resource_(static_cast<__rlimit_resource_t>(resource)) {
    ::getrlimit(resource_, &before_);
    const rlimit limit{.rlim_cur = value, .rlim_max = before_.rlim_max};
    ::setrlimit(resource_, &limit);
  }
  ~SoftLimit() { ::setrlimit(resource_, &before_); }

 private:
  const __rlimit_resource_t resource_;
  rlimit before_{};
};

struct Limit {
  const char* name;
  std::function<std::unique_ptr<SoftLimit>()> set;
};

std::unique_ptr<SoftLimit> Descriptors(int more) {
  const int next = ::dup(STDERR_FILENO);
  ::close(next);
  return std::make_unique<SoftLimit>(RLIMIT_NOFILE, static_cast<rlim_t>(next + more));
}

bool IsAllowed(const Status& status) {
  return status.code() != StatusCode::kCorruption && status.code() != StatusCode::kInternal &&
         status.code() != StatusCode::kNotFound;
}

int ReportFailure(const char* call, const Status& status) {
  std::fprintf(stderr, "%s: %s\n", call, status.ToString().c_str());
  return 1;
}

// Runs in a child process, so that neither its limits nor a signal affect the test.
int RunCalls(const std::string& dir, const std::string& scratch, const Limit& limit) {
  ::signal(SIGXFSZ, SIG_IGN);  // as engine.h asks
  const FormatOptions format{
      .capacity_bytes = 32 << 20, .meta_total_bytes = 1 << 20, .runtime = {.wal_segment_bytes = 64 << 10}};
  if (const auto made = Engine::Format(dir, format); !made.ok())
    return ReportFailure("Format", made.status());
  Result<std::unique_ptr<Engine>> engine = Engine::Open(dir);
  if (!engine.ok()) return ReportFailure("Open", engine.status());
  for (const char* key : {"kept", "small", "large"}) {
    const Status put = CommitOf(**engine, [&](WriteBatch& b) { b.Put(key, std::string(5000, 'x')); });
    if (!put.ok()) return ReportFailure("Put before the limit", put);
  }
  int wrong = 0;
  for (const Call& call : Calls()) {
    const std::unique_ptr<SoftLimit> set = limit.set();
    try {
      const Status status = call.run(**engine, scratch);
      if (!IsAllowed(status)) wrong += ReportFailure(call.name, status);
    } catch (const std::exception& error) {
      wrong += ReportFailure(call.name, Status::Internal(std::string("threw ") + error.what()));
    }
  }
  // If the file size limit is below the size of the log, writing a record fails and its outcome is unknown.
  if (CommitOf(**engine, [](WriteBatch&) {}).code() == StatusCode::kPoisoned) {
    engine->reset();
    engine = Engine::Open(dir);
    if (!engine.ok()) return ReportFailure("Open after the limit", engine.status());
  }
  for (const Call& call : Calls()) {
    std::filesystem::remove_all(scratch + "/export");
    const Status status = call.run(**engine, scratch);
    // Unpin fails if the pin was not made or was removed under the limit.
    if (!status.ok() && std::string_view(call.name) != "Unpin") wrong += ReportFailure(call.name, status);
  }
  if (const Status closed = (*engine)->Close(); !closed.ok()) wrong += ReportFailure("Close", closed);
  const Result<CheckReport> report = CheckStore(dir, {.deep = true}, {});
  if (!report.ok()) return ReportFailure("CheckStore", report.status());
  for (const Finding& finding : report->findings) {
    wrong += ReportFailure("finding", Status::Corruption(finding.where + ": " + finding.message));
  }
  return wrong;
}

class ApiLimitsTest : public testing::TestWithParam<Limit> {};

TEST_P(ApiLimitsTest, EveryCallReturnsAndWorksAfterwards) {
  const TempDir tmp;
  const LimitedResult result = RunForked([&] { return RunCalls(tmp.File("store"), tmp.path(), GetParam()); });
  EXPECT_EQ(result.status, 0) << "signal " << result.signal << ":\n" << result.text;
}

INSTANTIATE_TEST_SUITE_P(
    Limits, ApiLimitsTest,
    testing::Values(Limit{"no_descriptor", [] { return Descriptors(0); }},
                    Limit{"three_descriptors", [] { return Descriptors(3); }},
                    Limit{"eight_descriptors", [] { return Descriptors(8); }},
                    Limit{"file_size_4K", [] { return std::make_unique<SoftLimit>(RLIMIT_FSIZE, 4096); }},
                    Limit{"file_size_1M", [] { return std::make_unique<SoftLimit>(RLIMIT_FSIZE, 1 << 20); }}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace rawkv
