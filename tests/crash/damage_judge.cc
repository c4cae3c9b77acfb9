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
      // What the pin alone held goes with it; what is then said to be reachable must be.
      if (const Status unpinned = engine_->Unpin("held"); !unpinned.ok()) {
        if (unpinned.code() != StatusCode::kFailedPrecondition) ExpectReport(unpinned, "unpin");
      } else if (const Result<EngineInfo> info = engine_->Info(); info.ok()) {
        reachable_ = info->reachable;
        refused_read |= !ReadAll();
      }
      if (refused_read && damage_.content_whole) Fail("a version that is called reachable cannot be read");
      // What no read can be answered with, a check must find.
      if (refused_read && !found) Fail("a read is refused, but fsck finds nothing");
      GoOn();
    }
    Imports();
    AwaitIndexThreads();
    return std::move(verdict_);
  }

 private:
  void Fail(const std::string& what) {
    if (verdict_.problem.empty()) verdict_.problem = what + "\n  the engine said:\n" + world_.Said();
  }
  void Tell(const char* what) {
    static constexpr std::array<const char*, 6> kOrder{"nothing", "healed",       "finding",
                                                       "cut",     "read refused", "open refused"};
    const auto rank = [](std::string_view text) {
      return std::find(kOrder.begin(), kOrder.end(), text) - kOrder.begin();
    };
    if (rank(what) > rank(verdict_.told)) verdict_.told = what;
  }
  // An answer that is none must be of the right kind and name a place.
  void ExpectReport(const Status& status, const std::string& doing, bool identity = false) {
    const bool named = status.message().find('/') != std::string::npos ||
                       status.message().find("snapshot-") != std::string::npos;
    const bool kind = status.code() == StatusCode::kCorruption ||
                      // A number that a newer build would have written.
                      status.code() == StatusCode::kNotSupported ||
                      (identity && status.code() == StatusCode::kFailedPrecondition);
    if (!kind || !named) Fail(doing + ": " + status.ToString());
  }

  // Whether it found anything.
  bool Fsck() {
    const Result<CheckReport> report =
        CheckStore(SimStore::kDir, {.deep = true}, SimStore::Options(world_.env(), config_));
    if (!report.ok()) {
      ExpectReport(report.status(), "fsck", /*identity=*/true);
      return true;
    }
    if (!report->ok()) Tell("finding");
    for (const Finding& f : report->findings) {
      if (f.where.empty() || f.message.empty()) Fail("a finding without place or words");
    }
    return !report->ok();
  }

  bool Open() {
    Result<std::unique_ptr<Engine>> engine =
        Engine::Open(SimStore::kDir, SimStore::Options(world_.env(), config_));
    if (!engine.ok()) {
      ExpectReport(engine.status(), "open", /*identity=*/true);
      Tell("open refused");
      return false;
    }
    engine_ = *std::move(engine);
    const Result<EngineInfo> info = engine_->Info();
    if (!info.ok()) {
      ExpectReport(info.status(), "info");
      Tell("read refused");
      return true;
    }
    if (world_.Said().find("warning") != std::string::npos ||
        world_.Said().find("rebuilt") != std::string::npos) {
      Tell("healed");
    }
    reachable_ = info->reachable;
    const Version tip = damage_.truth->model.tip();
    if (info->version == tip) return true;
    // A record that never arrived leaves nothing to tell of.
    if (!info->recovery && !damage_.last_record_may_go) {
      Fail("opened at version " + ToString(info->version) + " without a word");
    }
    Tell(info->recovery ? "cut" : "nothing");
    if (!damage_.last_record_may_go || info->version != Previous(tip)) {
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

  // False if something of it was refused.
  bool ReadVersion(Version version) {
    const Result<std::shared_ptr<const ReadView>> view = engine_->OpenView(version);
    const std::string at = "version " + ToString(version);
    if (!view.ok()) {
      ExpectReport(view.status(), at);
      Tell("read refused");
      return false;
    }
    bool whole = true;
    const ModelState state = damage_.truth->model.At(version);
    for (const auto& [key, entry] : state) {
      const Result<Value> value = engine_->Get(key, {.view = view->get()});
      if (!value.ok()) {
        ExpectReport(value.status(), at + ", key " + key);
        Tell("read refused");
        whole = false;
        continue;
      }
      const std::string difference = DiffValue(entry.value, value->bytes);
      if (!difference.empty()) Fail(at + ", key " + key + ": " + difference);
      if (value->written_by != entry.written_by) Fail(at + ", key " + key + ": written by another version");
    }
    return Walk(*view, state) && whole;
  }

  // No key too many, none left out in silence.
  bool Walk(const std::shared_ptr<const ReadView>& view, const ModelState& state) {
    const Result<std::unique_ptr<Iterator>> it = engine_->NewIterator({.view = view});
    if (!it.ok()) {
      ExpectReport(it.status(), "iterator");
      return false;
    }
    auto expected = state.begin();
    for ((*it)->SeekToFirst(); (*it)->Valid(); (*it)->Next(), ++expected) {
      if (expected == state.end() || (*it)->key() != expected->first) {
        Fail("a walk meets key " + std::string((*it)->key()));
        return true;
      }
    }
    if (!(*it)->status().ok()) {
      ExpectReport((*it)->status(), "walk");
      Tell("read refused");
      return false;
    }
    if (expected != state.end()) Fail("a walk ends before key " + expected->first);
    return true;
  }

  // Whatever it answers, it must be the truth at the next open.
  void GoOn() {
    WriteBatch batch;
    batch.Put("after", std::string(5000, 'a'));
    const CommitResult result = engine_->Commit(batch);
    if (result.ok()) {
      const Result<Value> value = engine_->Get("after");
      if (!value.ok() || value->bytes != std::string(5000, 'a')) Fail("a new value is not there");
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

  void Imports() {
    for (const auto& [in, copy] : damage_.truth->exports) {
      const std::string dir = "/imported-" + in.substr(1);
      FormatOptions format{.device = dir + "-device", .capacity_bytes = (config_.slots + 18) * 4096};
      format.env = world_.env();
      const Result<FormatResult> made = ImportStore(dir, {.in = in, .format = format});
      if (!made.ok()) {
        // Without its manifest it is no export.
        ExpectReport(made.status(), "import", /*identity=*/true);
        Tell("read refused");
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
