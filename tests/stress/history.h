#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/types.h"
#include "tests/support/model.h"

namespace rawkv::stress {

// The number of a commit is its metadata, so that GetCommit shows which batch a version is.
using CommitId = uint64_t;
std::string MetadataOf(CommitId id, uint64_t padding);
CommitId IdOf(std::string_view metadata);

// The model of a store on which many threads call the engine at once, including rollbacks. It makes no engine
// call under its lock, and no caller waits for another call in it.
//
//   A commit or rollback is registered before its call, and its outcome is recorded after it. Both times come
// from one logical clock (ticks), so that the order of any two calls that do not overlap is known.
//   The model holds a branch from the initial version to its tip without gaps. A commit joins the branch when
// its version is the next one and no overlapping rollback went below that version. Otherwise the commit is in
// doubt: the rollback may have come before or after it.
//   A successful rollback cuts the branch at its target. Later versions are then settled: Settlement names
// the unknown versions, and GetCommit of each, under an open view, names its commit.
//   The engine does not roll back below the version of an open view. So once the model's tip has reached a
// view's version, and every rollback that had begun before the view was open has ended, the branch up to the
// view is exact, and stays exact until the view is closed.
//
// Thread-safe.
class History {
 public:
  explicit History(Version initial) : model_(initial) {}

  // Commits.
  CommitId NewId() { return ++last_id_; }
  void BeginCommit(CommitId id, std::shared_ptr<const ModelBatch> batch);
  // Returns "" or the error in the version.
  std::string Applied(CommitId id, Version version);
  void NotApplied(CommitId id);

  // Rollbacks. EndRollback returns "", or names an open view because of which the engine should have refused
  // the rollback.
  uint64_t BeginRollback(Version target);
  std::string EndRollback(uint64_t ticket, bool done);
  // Taken before a call, to find out whether a rollback overlapped it.
  struct Calm {
    bool calm = false;  // no rollback was under way
    uint64_t started = 0;
    uint64_t tick = 0;
  };
  Calm TakeCalm();
  // Whether no rollback, successful or not, has been under way since `calm`.
  bool CalmSince(const Calm& calm) const { return calm.calm && started_.load() == calm.started; }
  // Whether a successful rollback overlapped a call that ended at tick `ended`, or has changed the branch
  // since.
  enum class Overtaken : uint8_t { kNo, kNotYetKnown, kYes };
  Overtaken OvertakenSince(const Calm& calm, uint64_t ended) const;

  // A view is registered after it is opened, and forgotten before it is closed.
  struct ViewTicket {
    uint64_t opened = 0;  // a tick before the call that opened it
    uint64_t tick = 0;    // a tick after it
    Version version;
  };
  uint64_t Now() { return Tick(); }
  ViewTicket RegisterView(Version version, uint64_t opened);
  void ForgetView(const ViewTicket& ticket);

  // Whether only the engine knows the versions above the model's tip.
  bool NeedsSettlement() const { return needs_settlement_.load(); }
  // Begins a settlement under an open view of the tip: the versions to ask for are (base, view.version].
  struct Settlement {
    Version base;
    Version top;
    bool empty() const { return base >= top; }
  };
  Settlement BeginSettlement(const ViewTicket& view);
  // Takes the commits of the settlement's versions, in order. Returns "", or "again" if the branch has
  // changed meanwhile and the settlement must begin again. Any other text is a violation.
  std::string Settle(const Settlement& settlement, const ViewTicket& view,
                     const std::vector<CommitId>& commits);
  // Takes the content of the view's version, if the engine no longer names the commits.
  std::string SettleByContent(const Settlement& settlement, const ViewTicket& view,
                              const ModelState& content);

  // Waits until the branch up to the view is exact. Returns false after `milliseconds`.
  bool WaitExact(const ViewTicket& view, int64_t milliseconds);
  // Waits until the model's tip is at least `version`.
  bool WaitTip(Version version, int64_t milliseconds);
  bool IsBlind(Version version) const;  // its content is unknown; see SettleByContent

  Version tip() const;
  Version floor() const;  // the oldest version that is not forgotten
  ModelState At(Version version) const;
  std::optional<ModelEntry> Find(Version version, std::string_view key) const;
  // The commit of a version on the branch; 0 if it is unknown.
  CommitId CommitOf(Version version) const;
  // Whether some version in [first, last] holds exactly `entry` (absent: no such key).
  bool HeldBetween(Version first, Version last, std::string_view key,
                   const std::optional<ModelEntry>& entry) const;
  // Forgets the versions below `floor`, for which no call may ask any more. No call may be under way.
  void ForgetBelow(Version floor);

  uint64_t settlements() const { return settlements_.load(); }
  uint64_t adoptions() const { return adoptions_.load(); }

 private:
  struct Attempt {
    std::shared_ptr<const ModelBatch> batch;
    uint64_t begun = 0;
    uint64_t ended = 0;  // 0: under way
    Version version;     // when applied
    bool refused = false;
    bool settled = false;  // GetCommit named it
  };
  struct RollbackRun {
    uint64_t begun = 0;
    uint64_t ended = 0;  // 0: under way
    Version target;
  };
  enum class Doubt : uint8_t { kNone, kUntilRollbackEnds, kUntilSettled };

  uint64_t Tick() { return ++clock_; }
  Doubt DoubtOf(const Attempt& attempt) const RAWKV_REQUIRES(mu_);
  void AppendAcknowledged() RAWKV_REQUIRES(mu_);
  void FinishSettlement(const ViewTicket& view) RAWKV_REQUIRES(mu_);

  std::atomic<uint64_t> last_id_{0};
  std::atomic<uint64_t> clock_{0};
  std::atomic<uint64_t> started_{0}, finished_{0};  // rollbacks
  std::atomic<bool> needs_settlement_{false};
  std::atomic<uint64_t> settlements_{0}, adoptions_{0};

  mutable Mutex mu_;
  CondVar changed_;
  Model model_ RAWKV_GUARDED_BY(mu_);
  Version floor_ RAWKV_GUARDED_BY(mu_);
  std::unordered_map<CommitId, Attempt> attempts_ RAWKV_GUARDED_BY(mu_);
  std::map<Version, std::vector<CommitId>> pending_ RAWKV_GUARDED_BY(mu_);  // acknowledged, not on the branch
  std::map<uint64_t, RollbackRun> rollbacks_ RAWKV_GUARDED_BY(mu_);         // under way or successful
  uint64_t last_success_ RAWKV_GUARDED_BY(mu_) = 0;                         // tick of its end
  std::map<uint64_t, Version> views_ RAWKV_GUARDED_BY(mu_);                 // by tick
  std::vector<std::pair<Version, Version>> blind_ RAWKV_GUARDED_BY(mu_);    // inclusive
};

}  // namespace rawkv::stress
