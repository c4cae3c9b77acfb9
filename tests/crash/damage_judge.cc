#include "tests/crash/damage_judge.h"

#include <algorithm>
#include <array>

#include "engine/admin/inspect.h"
#include "engine/transfer/transfer.h"
#include "tests/support/index_threads.h"

namespace rawkv {
namespace {

class DamageJudgement {
 public:
  DamageJudgement(const DamageCase& damage, const SimConfig& config, uint64_t seed)
      : damage_(damage), config_(config), world_(damage.image, seed) {}

  DamageVerdict Run() {
    const bool found = Fsck();
    bool refused_read = false;
    if (Open()) {
      refused_read = !ReadAll();
      // The unpin removes the version that only the pin held. Every version that is reachable afterwards must
      // be readable.
      if (const Status unpinned = engine_->Unpin("held"); !unpinned.ok()) {
        if (unpinned.code() != StatusCode::kFailedPrecondition) ExpectReport(unpinned, "unpin");
      } else if (const Result<EngineInfo> info = engine_->Info(); info.ok()) {
        reachable_ = info->reachable;
        refused_read |= !ReadAll();
      }
      if (refused_read && damage_.content_whole) Fail("a reachable version cannot be read");
      // Damage that makes a read fail must be a finding of fsck.
      if (refused_read && !found) Fail("a read is refused, but fsck finds nothing");
      CommitAndReopen();
    }
    ImportExports();
    AwaitIndexThreads();
    return std::move(verdict_);
  }

 private:
  void Fail(const std::string& what) {
    if (verdict_.problem.empty()) verdict_.problem = what + "\n  log of the engine:\n" + world_.LogText();
  }
  void RecordOutcome(const char* what) {
    static constexpr std::array<const char*, 6> kOrder{"nothing", "healed",       "finding",
                                                       "cut",     "read refused", "open refused"};
    const auto rank = [](std::string_view text) {
      return std::find(kOrder.begin(), kOrder.end(), text) - kOrder.begin();
    };
    if (rank(what) > rank(verdict_.outcome)) verdict_.outcome = what;
  }
  // An error must have one of these codes and name a path.
  void ExpectReport(const Status& status, const std::string& doing, bool identity = false) {
    const bool named = status.message().find('/') != std::string::npos ||
                       status.message().find("snapshot-") != std::string::npos;
    const bool kind = status.code() == StatusCode::kCorruption ||
                      // A damaged format number looks like one of a newer build.
                      status.code() == StatusCode::kNotSupported ||
                      (identity && status.code() == StatusCode::kFailedPrecondition);
    if (!kind || !named) Fail(doing + ": " + status.ToString());
  }

  // Returns whether fsck found anything.
  bool Fsck() {
    const Result<CheckReport> report =
        CheckStore(SimStore::kDir, {.deep = true}, SimStore::Options(world_.env(), config_));
    if (!report.ok()) {
      ExpectReport(report.status(), "fsck", /*identity=*/true);
      return true;
    }
    if (!report->ok()) RecordOutcome("finding");
    for (const Finding& f : report->findings) {
      if (f.where.empty() || f.message.empty()) Fail("a finding without place or message");
    }
    return !report->ok();
  }

  bool Open() {
    Result<std::unique_ptr<Engine>> engine =
        Engine::Open(SimStore::kDir, SimStore::Options(world_.env(), config_));
    if (!engine.ok()) {
      ExpectReport(engine.status(), "open", /*identity=*/true);
      RecordOutcome("open refused");
      return false;
    }
    engine_ = *std::move(engine);
    const Result<EngineInfo> info = engine_->Info();
    if (!info.ok()) {
      ExpectReport(info.status(), "info");
      RecordOutcome("read refused");
      return true;
    }
    if (world_.LogText().find("warning") != std::string::npos ||
        world_.LogText().find("rebuilt") != std::string::npos) {
      RecordOutcome("healed");
    }
    reachable_ = info->reachable;
    const Version tip = damage_.truth->model.tip();
    if (info->version == tip) return true;
    // A lost last record leaves no trace from which the engine could report it.
    if (!info->recovery && !damage_.may_lose_last_record) {
      Fail("opened at version " + ToString(info->version) + " without a report");
    }
    RecordOutcome(info->recovery ? "cut" : "nothing");
    if (!damage_.may_lose_last_record || info->version != Previous(tip)) {
      Fail("opened at version " + ToString(info->version) + " though the log shows that there were more");
    }
    return true;
  }

  bool ReadAll() {
    bool whole = true;
    for (const auto& range : reachable_) {
      for (Version v = range.first; v <= range.second; v = Next(v)) whole &= ReadVersion(v);
    }
    return whole;
  }

  // Returns false if any read was refused.
  bool ReadVersion(Version version) {
    const Result<std::shared_ptr<const ReadView>> view = engine_->OpenView(version);
    const std::string at = "version " + ToString(version);
    if (!view.ok()) {
      ExpectReport(view.status(), at);
      RecordOutcome("read refused");
      return false;
    }
    bool whole = true;
    const ModelState state = damage_.truth->model.At(version);
    for (const auto& [key, entry] : state) {
      const Result<Value> value = engine_->Get(key, {.view = view->get()});
      if (!value.ok()) {
        ExpectReport(value.status(), at + ", key " + key);
        RecordOutcome("read refused");
        whole = false;
        continue;
      }
      const std::string difference = DiffValue(entry.value, value->bytes);
      if (!difference.empty()) Fail(at + ", key " + key + ": " + difference);
      if (value->written_by != entry.written_by) Fail(at + ", key " + key + ": written by another version");
    }
    return Walk(*view, state) && whole;
  }

  // The iterator must show every key of the model and no other, or return an error.
  bool Walk(const std::shared_ptr<const ReadView>& view, const ModelState& state) {
    const Result<std::unique_ptr<Iterator>> it = engine_->NewIterator({.view = view});
    if (!it.ok()) {
      ExpectReport(it.status(), "iterator");
      return false;
    }
    auto expected = state.begin();
    for ((*it)->SeekToFirst(); (*it)->Valid(); (*it)->Next(), ++expected) {
      if (expected == state.end() || (*it)->key() != expected->first) {
        Fail("the iterator shows key " + std::string((*it)->key()));
        return true;
      }
    }
    if (!(*it)->status().ok()) {
      ExpectReport((*it)->status(), "walk");
      RecordOutcome("read refused");
      return false;
    }
    if (expected != state.end()) Fail("the iterator ends before key " + expected->first);
    return true;
  }

  // Commits, makes a snapshot and reopens. A commit that was acknowledged must be there after the reopen.
  void CommitAndReopen() {
    WriteBatch batch;
    batch.Put("after", std::string(5000, 'a'));
    const CommitResult result = engine_->Commit(batch);
    if (result.ok()) {
      const Result<Value> value = engine_->Get("after");
      if (!value.ok() || value->bytes != std::string(5000, 'a')) Fail("a new value is missing");
    }
    (void)engine_->CreateSnapshot();
    (void)engine_->Close();
    engine_.reset();
    if (!result.ok()) return;
    const Result<std::unique_ptr<Engine>> again =
        Engine::Open(SimStore::kDir, SimStore::Options(world_.env(), config_));
    if (!again.ok()) return ExpectReport(again.status(), "the next open");
    if ((*again)->version() != result.version) Fail("a new commit is lost");
    (void)(*again)->Close();
  }

  void ImportExports() {
    for (const auto& [in, copy] : damage_.truth->exports) {
      const std::string dir = "/imported-" + in.substr(1);
      const FormatOptions format = SimStore::FormatFor(world_.env(), config_, dir + "-device");
      const Result<FormatResult> made = ImportStore(dir, {.in = in, .format = format});
      if (!made.ok()) {
        // Without its MANIFEST the directory is not an export.
        ExpectReport(made.status(), "import", /*identity=*/true);
        RecordOutcome("read refused");
        continue;
      }
      const Result<std::unique_ptr<Engine>> engine =
          Engine::Open(dir, SimStore::Options(world_.env(), config_));
      if (!engine.ok()) return Fail("open of an import: " + engine.status().ToString());
      for (const auto& [key, entry] : copy.content) {
        const Result<Value> value = (*engine)->Get(key);
        if (!value.ok()) return Fail("import, key " + key + ": " + value.status().ToString());
        if (!DiffValue(entry.value, value->bytes).empty()) Fail("import, key " + key + " is wrong");
      }
      (void)(*engine)->Close();
    }
  }

  const DamageCase& damage_;
  const SimConfig config_;
  SimWorld world_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::pair<Version, Version>> reachable_;
  DamageVerdict verdict_;
};

}  // namespace

DamageVerdict JudgeDamage(const DamageCase& damage, const SimConfig& config, uint64_t seed) {
  return DamageJudgement(damage, config, seed).Run();
}

}  // namespace rawkv
