#include "tests/crash/sim_judge.h"

#include <algorithm>
#include <list>

#include "base/fs_ops.h"
#include "engine/admin/inspect.h"
#include "engine/transfer/transfer.h"
#include "tests/support/index_threads.h"

namespace rawkv {
namespace {

// Compares the content that `view` shows with the model. Returns "" or the first difference.
std::string Compare(Engine& engine, std::shared_ptr<const ReadView> view, const ModelState& expected) {
  const std::string where = "version " + ToString(view->version()) + ": ";
  const Result<std::unique_ptr<Iterator>> it = engine.NewIterator({.view = std::move(view)});
  if (!it.ok()) return where + it.status().ToString();
  auto wanted = expected.begin();
  for ((*it)->SeekToFirst(); (*it)->Valid(); (*it)->Next()) {
    const std::string key((*it)->key());
    if (wanted == expected.end() || key < wanted->first) return where + "key " + key + " should not be there";
    if (key != wanted->first) return where + "key " + wanted->first + " is missing";
    if ((*it)->written_by() != wanted->second.written_by) {
      return where + "key " + key + " was written by version " + ToString((*it)->written_by());
    }
    const Result<std::string> value = (*it)->ReadValue();
    if (!value.ok()) return where + "key " + key + ": " + value.status().ToString();
    const std::string difference = DiffValue(wanted->second.value, *value);
    if (!difference.empty()) return where + "key " + key + ": " + difference;
    ++wanted;
  }
  if (!(*it)->status().ok()) return where + (*it)->status().ToString();
  return wanted == expected.end() ? "" : where + "key " + wanted->first + " is missing";
}

std::string CompareAt(Engine& engine, std::optional<Version> version, const ModelState& expected) {
  const Result<std::shared_ptr<const ReadView>> view = engine.OpenView(version);
  if (!view.ok())
    return "view of " + (version ? ToString(*version) : "the tip") + ": " + view.status().ToString();
  return Compare(engine, *view, expected);
}

class Judgement {
 public:
  Judgement(const DiskImage& image, const Allowed& allowed, const SimConfig& config, const Scrutiny& scrutiny,
            uint64_t seed)
      : allowed_(allowed),
        config_(config),
        scrutiny_(scrutiny),
        seed_(seed),
        world_(image, seed, scrutiny.record ? OptionsFiles::kWritten : OptionsFiles::kRefused) {
    world_.disk().Record(scrutiny.record);
    if (config.keeps_directories) world_.disk().KeepDirectories();
  }

  Verdict Run() {
    verdict_.problem = RunChecks();
    if (engine_ != nullptr) {
      const Status closed = engine_->Close();
      if (!closed.ok() && verdict_.problem.empty()) verdict_.problem = "close: " + closed.ToString();
      engine_.reset();
    }
    if (scrutiny_.record) AwaitIndexThreads();
    verdict_.trace = world_.disk().TakeTrace();
    verdict_.log = world_.LogText();
    return std::move(verdict_);
  }

 private:
  std::string RunChecks() {
    std::string problem = CheckCurrent();
    if (problem.empty() && scrutiny_.check_before) problem = Check("before recovery", false);
    if (problem.empty()) problem = Open();
    bool after = false;
    if (problem.empty()) problem = IdentifyState(*engine_, allowed_, &now_, &after);
    if (problem.empty()) problem = CheckReachable();
    if (problem.empty()) problem = CheckCopies();
    if (!problem.empty()) return problem;
    RecordPromise();
    if (scrutiny_.continue_working) problem = ContinueWorking();
    return problem;
  }

  // Without a valid `current` an open uses another snapshot, but no crash may make that necessary (invariant
  // 5).
  std::string CheckCurrent() {
    const std::string dir = std::string(SimStore::kDir) + "/";
    const Result<std::string> name = world_.fs().ReadLink(dir + "current");
    if (!name.ok()) return "current: " + name.status().ToString();
    const Result<FileStat> snapshot = world_.fs().Stat(dir + *name);
    return snapshot.ok() ? "" : "current names a missing snapshot: " + snapshot.status().ToString();
  }

  std::string Check(const char* when, bool nothing_left_to_do) {
    const Result<CheckReport> report =
        CheckStore(SimStore::kDir, {.deep = true}, SimStore::Options(world_.env(), config_));
    if (!report.ok()) return std::string("fsck ") + when + ": " + report.status().ToString();
    if (!report->ok()) {
      const Finding& f = report->findings.front();
      return std::string("fsck ") + when + ": " + f.kind + " " + f.where + ": " + f.message;
    }
    if (nothing_left_to_do && !report->notes.empty()) {
      return std::string("fsck ") + when + ": " + report->notes.front();
    }
    return "";
  }

  std::string Open() {
    Result<std::unique_ptr<Engine>> engine =
        Engine::Open(SimStore::kDir, SimStore::Options(world_.env(), config_));
    if (!engine.ok()) return "open: " + engine.status().ToString();
    engine_ = *std::move(engine);
    return "";
  }

  // Versions that were reachable before the crash and after the operation must be reachable. Every reachable
  // version must have the content of the model.
  std::string CheckReachable() {
    const Result<EngineInfo> info = engine_->Info();
    if (!info.ok()) return "info: " + info.status().ToString();
    now_.durable = now_.model.tip();
    if (info->durable_version != now_.durable) {
      return "recovered, but durable only through " + ToString(info->durable_version);
    }
    Promise found = now_;
    found.reachable = info->reachable;
    for (Version v = now_.model.initial(); v <= now_.model.tip(); v = Next(v)) {
      // Automatic snapshots make versions unreachable at any time.
      const bool promised = config_.snapshot_interval == 0 && allowed_.before->Reaches(v) &&
                            (allowed_.after == nullptr || allowed_.after->Reaches(v));
      if (promised && !found.Reaches(v)) return "version " + ToString(v) + " can no longer be reached";
      if (!found.Reaches(v) || v == now_.model.tip()) continue;
      if (!scrutiny_.every_version && (seed_ + v.value()) % 4 != 0) continue;
      const std::string problem = CompareAt(*engine_, v, now_.model.At(v));
      if (!problem.empty()) return problem;
    }
    if (!info->reachable.empty() && info->reachable.back().second != now_.model.tip()) {
      return "the tip is not reachable";
    }
    now_.reachable = info->reachable;
    return "";
  }

  FormatOptions CopyFormat() { return SimStore::FormatFor(world_.env(), config_, SimStore::kJudgeDevice); }

  // Imports `in` into a new store and compares its content.
  std::string CheckExport(const std::string& in, const Promise::Copy& copy, bool finished) {
    const std::string dir = "/judge-" + in.substr(1);
    // A judge that was crashed itself may have left the directory.
    const Status cleared = RemoveTree(world_.fs(), dir);
    if (!cleared.ok()) return "clearing " + dir + ": " + cleared.ToString();
    const Result<FormatResult> made = ImportStore(dir, {.in = in, .format = CopyFormat()});
    if (!made.ok()) {
      const StatusCode code = made.status().code();
      // An import must refuse an unfinished export.
      const bool refused = code == StatusCode::kFailedPrecondition || code == StatusCode::kCorruption ||
                           code == StatusCode::kNotFound;
      if (!finished && refused) return ExportAgain(in, copy);
      return "import of " + in + ": " + made.status().ToString();
    }
    return CompareStore(dir, copy);
  }

  // The interrupted call must succeed when it is repeated.
  std::string ExportAgain(const std::string& out, const Promise::Copy& copy) {
    const Status made = engine_->Export({.version = copy.version, .out = out, .chunk_bytes = 1 << 20});
    if (made.code() == StatusCode::kVersionUnreachable) return "";
    if (!made.ok()) return "export again to " + out + ": " + made.ToString();
    return CheckExport(out, copy, true);
  }

  std::string ImportAgain(const std::string& dir, const Promise::Copy& copy) {
    const std::string in = allowed_.before->exports.begin()->first;
    const Result<FormatResult> made = ImportStore(dir, {.in = in, .format = CopyFormat()});
    if (!made.ok()) return "import again to " + dir + ": " + made.status().ToString();
    return CompareStore(dir, copy);
  }

  std::string CompareStore(const std::string& dir, const Promise::Copy& copy) {
    OpenOptions options = SimStore::Options(world_.env(), config_);
    const Result<std::unique_ptr<Engine>> engine = Engine::Open(dir, options);
    if (!engine.ok()) return "open of " + dir + ": " + engine.status().ToString();
    if ((*engine)->version() != copy.version) return dir + " is at version " + ToString((*engine)->version());
    ModelState expected = copy.content;
    for (auto& entry : expected) entry.second.written_by = copy.version;  // an import is one version
    std::string problem = CompareAt(**engine, std::nullopt, expected);
    if (!problem.empty()) problem = dir + ": " + problem;
    const Status closed = (*engine)->Close();
    if (problem.empty() && !closed.ok()) problem = "close of " + dir + ": " + closed.ToString();
    return problem;
  }

  std::string CheckImport(const std::string& dir, const Promise::Copy& copy, bool finished) {
    if (finished) return CompareStore(dir, copy);
    const Result<FileStat> store = world_.fs().Stat(dir + "/STORE");
    if (store.ok()) return CompareStore(dir, copy);
    const Result<std::unique_ptr<Engine>> none = Engine::Open(dir, SimStore::Options(world_.env(), config_));
    if (none.ok()) return dir + " opened without a STORE";
    return ImportAgain(dir, copy);
  }

  // Checks exports and imports of the history. Those of the start store are checked once.
  std::string CheckCopies() {
    const Promise& last = allowed_.after != nullptr ? *allowed_.after : *allowed_.before;
    for (const auto& [in, copy] : last.exports) {
      const bool finished = allowed_.before->exports.contains(in);
      if (in == "/export0" || (finished && !scrutiny_.every_copy)) continue;
      const std::string problem = CheckExport(in, copy, finished);
      if (!problem.empty()) return problem;
    }
    for (const auto& [dir, copy] : last.imports) {
      const bool finished = allowed_.before->imports.contains(dir);
      if (finished && !scrutiny_.every_copy) continue;
      const std::string problem = CheckImport(dir, copy, finished);
      if (!problem.empty()) return problem;
    }
    return "";
  }

  void RecordPromise() {
    if (!scrutiny_.record) return;
    now_.reachable.clear();
    const Result<EngineInfo> info = engine_->Info();
    if (info.ok()) now_.reachable = info->reachable;
    AwaitIndexThreads();
    world_.disk().Mark(verdict_.promises.size());
    verdict_.promises.push_back(now_);
  }

  std::string Commit(const ModelBatch& batch) {
    std::list<std::string> values;
    CommitOptions options;
    options.durability = Durability::kSynced;
    const CommitResult result = engine_->Commit(batch.ToWriteBatch(&values), options);
    if (!result.ok()) return "a further commit: " + result.status.ToString();
    const Version expected = now_.model.Commit(batch);
    if (result.version != expected) return "a further commit made version " + ToString(result.version);
    now_.durable = expected;
    RecordPromise();
    return "";
  }

  ModelOp Put(const std::string& key, uint64_t bytes) {
    return {.kind = ModelOp::Kind::kPut, .key = key, .value = {(seed_ | 1) * 1000003 + ++values_, bytes}};
  }

  std::string ContinueWorking() {
    std::string problem = Commit({.ops = {Put("i0", 60), Put("new", 80)}});
    if (problem.empty()) problem = Commit({.ops = {Put("p0", 6000), Put("q", 4097)}});
    if (!problem.empty()) return problem;
    const Result<Version> snapshot = engine_->CreateSnapshot();
    if (!snapshot.ok()) return "a snapshot: " + snapshot.status().ToString();
    if (*snapshot != now_.model.tip()) return "a snapshot holds version " + ToString(*snapshot);
    RecordPromise();
    if (Status closed = engine_->Close(); !closed.ok()) return "close: " + closed.ToString();
    engine_.reset();
    problem = Open();
    if (!problem.empty()) return "again, " + problem;
    problem = CompareAt(*engine_, std::nullopt, now_.model.At(now_.model.tip()));
    if (!problem.empty()) return "after a reopen, " + problem;
    if (engine_->version() != now_.model.tip()) return "after a reopen, tip " + ToString(engine_->version());
    RecordPromise();
    if (Status closed = engine_->Close(); !closed.ok()) return "close: " + closed.ToString();
    engine_.reset();
    return Check("after recovery", true);
  }

  const Allowed allowed_;
  const SimConfig config_;
  const Scrutiny scrutiny_;
  const uint64_t seed_;
  SimWorld world_;
  std::unique_ptr<Engine> engine_;
  Promise now_;
  uint64_t values_ = 0;
  Verdict verdict_;
};

}  // namespace

std::string IdentifyState(Engine& engine, const Allowed& allowed, Promise* found, bool* after) {
  const Version tip = engine.version();
  const Promise& before = *allowed.before;
  std::string as_before = "out of range";
  if (tip >= before.durable && tip <= before.model.tip()) {
    as_before = CompareAt(engine, std::nullopt, before.model.At(tip));
    if (as_before.empty()) {
      *found = before;
      found->model.RollBackTo(tip);
      found->durable = tip;
      *after = false;
      return "";
    }
  }
  std::string as_after = "nothing was under way";
  if (allowed.after != nullptr) {
    const Version would_be = allowed.after->model.tip();
    as_after = "the tip would be " + ToString(would_be);
    if (tip == would_be) as_after = CompareAt(engine, std::nullopt, allowed.after->model.At(tip));
    if (as_after.empty()) {
      *found = *allowed.after;
      found->durable = tip;
      *after = true;
      return "";
    }
  }
  return "tip " + ToString(tip) + " is none of the promised: not version " + ToString(before.durable) +
         " to " + ToString(before.model.tip()) + " as before (" + as_before + "), nor as after (" + as_after +
         ")";
}

Verdict Judge(const DiskImage& image, const Allowed& allowed, const SimConfig& config,
              const Scrutiny& scrutiny, uint64_t seed) {
  return Judgement(image, allowed, config, scrutiny, seed).Run();
}

}  // namespace rawkv
