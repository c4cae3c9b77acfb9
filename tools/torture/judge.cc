#include "tools/torture/judge.h"

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>

#include "engine/admin/inspect.h"
#include "tools/torture/script.h"

namespace rawkv::torture {
namespace {

OpenOptions OptionsOf(const JudgePlan& plan) {
  OpenOptions options;
  options.engine = plan.engine;
  options.device = plan.device;
  options.settings.snapshot_interval = 0;
  options.settings.wal_segment_bytes = 1 << 20;
  options.memtable_bytes = 1 << 20;
  options.block_cache_bytes = 4 << 20;
  options.env.logger = &NullLogger();
  return options;
}

Status Fsck(const JudgePlan& plan, Judged* judged) {
  RAWKV_ASSIGN_OR_RETURN(const CheckReport report,
                         CheckStore(plan.store, {.deep = plan.deep}, OptionsOf(plan)));
  judged->deep_checks += plan.deep ? 1 : 0;
  judged->notes += report.notes.size();
  if (report.ok()) return Status::Ok();
  const Finding& first = report.findings.front();
  return Status::Corruption("fsck found " + std::to_string(report.findings.size()) +
                            " problems, the first: " + first.kind + " " + first.where + ": " + first.message);
}

// Compares one open store with the history.
class Comparison {
 public:
  Comparison(Engine& engine, const JudgePlan& plan, History* history, Judged* judged)
      : engine_(engine), random_(plan.seed), samples_(plan.samples), history_(*history), judged_(*judged) {}

  Status Run() {
    const Version tip = engine_.version();
    RAWKV_RETURN_IF_ERROR(history_.Record({.kind = Message::Kind::kOpened, .version = tip.value()}));
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine_.Info());
    for (const Version version : history_.Unknown(tip)) {
      const Status named = ReadNonce(version);
      // kVersionUnreachable: the log that names the commit was pruned. InferUnnamed handles such versions.
      if (!named.ok() && named.code() != StatusCode::kVersionUnreachable) return named;
    }
    RAWKV_ASSIGN_OR_RETURN(const State tip_state, Read(tip));
    RAWKV_RETURN_IF_ERROR(InferUnnamed(info, tip, tip_state));
    RAWKV_RETURN_IF_ERROR(Compare(tip, tip_state));
    RAWKV_RETURN_IF_ERROR(CompareOlder(info));
    RAWKV_RETURN_IF_ERROR(history_.CheckDigests());
    return CheckPins(info);
  }

 private:
  Status ReadNonce(Version version) {
    RAWKV_ASSIGN_OR_RETURN(const CommitRecord commit, engine_.GetCommit(version));
    const std::optional<uint64_t> nonce = NonceOf(commit.metadata);
    if (!nonce) return Status::Corruption("version " + ToString(version) + " lost its metadata");
    return history_.Record({.kind = Message::Kind::kFound, .version = version.value(), .number = *nonce});
  }

  Status InferUnnamed(const EngineInfo& info, Version tip, const State& tip_state) {
    if (history_.Unknown(tip).empty()) return Status::Ok();
    std::map<Version, State> seen{{tip, tip_state}};
    for (const Version version : Reachable(info)) {
      if (version <= history_.known() || version == tip) continue;
      RAWKV_ASSIGN_OR_RETURN(seen[version], Read(version));
    }
    return history_.Infer(seen);
  }

  Result<State> Read(Version version) {
    RAWKV_ASSIGN_OR_RETURN(const auto view, engine_.OpenView(version));
    return ReadState(engine_, view);
  }

  Status Compare(Version version, const State& actual) {
    const State* expected = history_.StateAt(version);
    if (expected == nullptr)
      return Status::Corruption("version " + ToString(version) + " was never reported");
    if (const std::string difference = Difference(*expected, actual); !difference.empty())
      return Status::Corruption("version " + ToString(version) + ": " + difference);
    ++judged_.versions;
    judged_.keys += actual.size();
    for (const auto& [key, sum] : actual) judged_.value_bytes += sum.bytes;
    return Status::Ok();
  }

  Status CompareOlder(const EngineInfo& info) {
    for (const Version version : Sample(info)) {
      RAWKV_ASSIGN_OR_RETURN(const State state, Read(version));
      RAWKV_RETURN_IF_ERROR(Compare(version, state));
      if (version > info.initial_version) RAWKV_RETURN_IF_ERROR(ReadNonce(version));
    }
    return Status::Ok();
  }

  static std::set<Version> Reachable(const EngineInfo& info) {
    std::set<Version> out;
    for (const auto& [first, last] : info.reachable) {
      for (Version v = first; v <= last; v = Next(v)) out.insert(v);
    }
    return out;
  }

  std::set<Version> Sample(const EngineInfo& info) {
    if (samples_ == UINT64_MAX) return Reachable(info);
    std::set<Version> out;
    for (uint64_t i = 0; i < samples_; ++i) {
      const auto& [first, last] = info.reachable[random_() % info.reachable.size()];
      out.insert(Version(first.value() + random_() % (last.value() - first.value() + 1)));
    }
    return out;
  }

  Status CheckPins(const EngineInfo& info) {
    std::map<std::string, Version> pins;
    for (const SnapshotRow& row : info.snapshots) {
      for (const std::string& name : row.pins) pins.emplace(name, row.version);
    }
    return history_.CheckPins(pins);
  }

  Engine& engine_;
  std::mt19937_64 random_;
  const uint64_t samples_;
  History& history_;
  Judged& judged_;
};

}  // namespace

Status Judge(const JudgePlan& plan, History* history, Judged* judged) {
  RAWKV_RETURN_IF_ERROR(Fsck(plan, judged).WithContext("before the open"));
  auto engine = Engine::Open(plan.store, OptionsOf(plan));
  // The store existed: an absent store, or one whose parts do not fit together, is a violation.
  switch (engine.status().code()) {
    case StatusCode::kNotFound:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kVersionUnreachable:
      return Status::Corruption("the store cannot be opened: " + engine.status().ToString());
    default:
      RAWKV_RETURN_IF_ERROR(engine.status());
  }
  RAWKV_RETURN_IF_ERROR(Comparison(**engine, plan, history, judged).Run());
  return (*engine)->Close();
}

}  // namespace rawkv::torture
