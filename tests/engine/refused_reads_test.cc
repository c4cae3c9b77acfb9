#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/fs_ops.h"
#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "snapshot/snapshot_store.h"
#include "tests/engine/engine_fixture.h"

// A refused read shows nothing about the store. It is an error of the call and no finding, and no repair acts
// on it (docs/repair.md, "Damaged, or not readable").
namespace rawkv {
namespace {

constexpr uid_t kOwner = 65534;  // owns the store if root runs the tests, because root may read everything

struct Call {
  const char* name;
  std::function<Status(const std::string& dir, const OpenOptions& options, size_t* findings)> run;
};

Status Count(const Result<CheckReport>& report, size_t* findings) {
  if (report.ok()) *findings = report->findings.size();
  return report.status();
}

std::vector<Call> Checks() {
  return {
      {"CheckStore",
       [](const std::string& dir, const OpenOptions& options, size_t* findings) {
         return Count(CheckStore(dir, {.deep = true}, options), findings);
       }},
      {"VerifyLog", [](const std::string& dir, const OpenOptions& options,
                       size_t* findings) { return Count(VerifyLog(dir, options), findings); }},
      {"VerifySnapshots",
       [](const std::string& dir, const OpenOptions& options, size_t* findings) {
         const auto verdicts = VerifySnapshots(dir, {}, options);
         if (!verdicts.ok()) return verdicts.status();
         for (const SnapshotVerdict& v : *verdicts) *findings += v.errors.size();
         return Status::Ok();
       }},
      {"PlanRepair",
       [](const std::string& dir, const OpenOptions& options, size_t* findings) {
         CheckReport found;
         const Result<RepairPlan> plan = PlanRepair(dir, {}, options, &found);
         *findings = found.findings.size();
         return plan.status();
       }},
      {"Scrub",
       [](const std::string& dir, const OpenOptions& options, size_t* findings) -> Status {
         RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, Engine::Open(dir, options));
         const Result<ScrubReport> report = engine->Scrub({.restart = true});
         if (report.ok()) *findings = report->findings_total;
         return report.status();
       }},
      {"RepairStore",
       [](const std::string& dir, const OpenOptions& options, size_t* findings) {
         // Consents to everything that the plan would give up.
         CheckReport found;
         const Result<RepairPlan> plan = PlanRepair(dir, {}, options, &found);
         RepairOptions repair;
         if (plan.ok()) repair.may_give_up = plan->gives_up;
         const Result<RepairReport> report = RepairStore(dir, repair, options);
         if (report.ok()) *findings = report->left.findings.size() + report->repaired.size();
         return report.status();
       }},
  };
}

// During its lifetime the process runs as the owner of the files below `root`: root may read any file
// whatever its mode.
class AsOwner {
 public:
  explicit AsOwner(const std::string& root) : was_(::geteuid()) {
    if (was_ != 0) return;
    EXPECT_EQ(::lchown(root.c_str(), kOwner, kOwner), 0);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      EXPECT_EQ(::lchown(entry.path().c_str(), kOwner, kOwner), 0) << entry.path();
    }
    EXPECT_EQ(::seteuid(kOwner), 0);
  }
  ~AsOwner() { EXPECT_EQ(::seteuid(was_), 0); }

 private:
  const uid_t was_;
};

class RefusedReadsTest : public EngineTest {
 protected:
  // Makes a closed store of four versions, each with a snapshot, and one pin.
  void MakeStore() {
    format_.runtime.keep_recent = 9;
    FormatAndOpen();
    for (uint64_t i = 0; i < 4; ++i) {
      Put("payload", OneSlot(i));
      ASSERT_OK(engine_->CreateSnapshot());
    }
    ASSERT_OK(engine_->Pin("pin", Version(1)));
    Close();
  }

  void ExpectNoDamage(const Call& call, const Status& status, size_t findings) {
    EXPECT_TRUE(status.ok() || status.refused()) << call.name << ": " << status.ToString();
    EXPECT_EQ(findings, 0u) << call.name;
    ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, PosixFs().List(dir_));
    for (const std::string& name : names) EXPECT_FALSE(IsAsideName(name)) << call.name << ": " << name;
  }
};

TEST_F(RefusedReadsTest, MissingPermissionIsNotReportedAsDamage) {
  MakeStore();
  const AsOwner as_owner(ParentPath(dir_));
  const std::string snapshot = SnapshotStore::DirName(Version(2));
  const std::vector<std::string> parts = {snapshot,
                                          snapshot + "/index",
                                          snapshot + "/MANIFEST",
                                          snapshot + "/index/CURRENT",
                                          "PINS",
                                          "working",
                                          "working/index",
                                          "working/index/CURRENT",
                                          "working/BASE",
                                          "wal",
                                          "wal/" + PosixFs().List(Path("wal"))->front()};
  for (const std::string& part : parts) {
    SCOPED_TRACE(part);
    struct stat before {};
    ASSERT_EQ(::stat(Path(part).c_str(), &before), 0);
    size_t refused = 0;
    for (const Call& call : Checks()) {
      ASSERT_EQ(::chmod(Path(part).c_str(), 0), 0);
      size_t findings = 0;
      const Status status = call.run(dir_, open_, &findings);
      ASSERT_EQ(::chmod(Path(part).c_str(), before.st_mode & 07777), 0);
      ExpectNoDamage(call, status, findings);
      if (status.ok()) continue;
      ++refused;
      EXPECT_NE(status.message().find(Path(part.substr(0, part.find('/')))), std::string::npos)
          << call.name << ": " << status.message();
    }
    EXPECT_GT(refused, 0u);
  }
  ASSERT_OK_AND_ASSIGN(const CheckReport after, CheckStore(dir_, {.deep = true}, open_));
  EXPECT_TRUE(after.ok());
}

TEST_F(RefusedReadsTest, DescriptorLimitIsNotReportedAsDamage) {
  MakeStore();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int lowest = ::dup(0);  // the lowest free descriptor
  ASSERT_GE(lowest, 0);
  ::close(lowest);
  for (const Call& call : Checks()) {
    size_t refused = 0;
    for (int more = 0; more < 24; ++more) {
      SCOPED_TRACE(more);
      rlimit low = before;
      low.rlim_cur = static_cast<rlim_t>(lowest + more);
      ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
      size_t findings = 0;
      const Status status = call.run(dir_, open_, &findings);
      ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
      ExpectNoDamage(call, status, findings);
      if (!status.ok()) ++refused;
    }
    EXPECT_GT(refused, 0u) << call.name;
  }
}

}  // namespace
}  // namespace rawkv
