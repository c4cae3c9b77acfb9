#include "tests/stress/history.h"

#include <algorithm>
#include <cstdlib>

#include "base/clock.h"

namespace rawkv::stress {
namespace {

int64_t SteadyMs() {
  return static_cast<int64_t>(SystemClock().MonotonicNs() / 1'000'000);
}

constexpr char kAgain[] = "again";

}  // namespace

std::string MetadataOf(CommitId id, uint64_t padding) {
  return std::to_string(id) + ";" + std::string(padding, '.');
}

CommitId IdOf(std::string_view metadata) {
  return std::strtoull(std::string(metadata).c_str(), nullptr, 10);
}

void History::BeginCommit(CommitId id, std::shared_ptr<const ModelBatch> batch) {
  MutexLock lock(mu_);
  Attempt& attempt = attempts_[id];
  attempt.batch = std::move(batch);
  attempt.begun = Tick();
}

std::string History::Applied(CommitId id, Version version) {
  MutexLock lock(mu_);
  Attempt& attempt = attempts_.at(id);
  attempt.ended = Tick();
  if (attempt.settled) {
    if (attempt.version == version) return "";
    return "commit " + std::to_string(id) + " was answered version " + ToString(version) +
           ", but GetCommit names it as version " + ToString(attempt.version);
  }
  attempt.version = version;
  pending_[version].push_back(id);
  AppendAcknowledged();
  return "";
}

void History::NotApplied(CommitId id) {
  MutexLock lock(mu_);
  Attempt& attempt = attempts_.at(id);
  attempt.ended = Tick();
  attempt.refused = true;
}

uint64_t History::BeginRollback(Version target) {
  ++started_;
  MutexLock lock(mu_);
  const uint64_t ticket = Tick();
  rollbacks_[ticket] = {.begun = ticket, .ended = 0, .target = target};
  return ticket;
}

std::string History::EndRollback(uint64_t ticket, bool done) {
  std::string wrong;
  MutexLock lock(mu_);
  RollbackRun& run = rollbacks_.at(ticket);
  if (!done) {
    rollbacks_.erase(ticket);
  } else {
    run.ended = last_success_ = Tick();
    // The content of a blind version is unknown, so that the branch must be learned again from before the
    // blind versions.
    Version cut = run.target;
    for (const auto& [first, last] : blind_) {
      if (first <= run.target && run.target <= last) cut = Previous(first);
    }
    if (model_.tip() > cut) model_.RollBackTo(cut);
    for (auto it = pending_.upper_bound(run.target); it != pending_.end();) {
      std::erase_if(it->second,
                    [&](CommitId id) RAWKV_REQUIRES(mu_) { return attempts_.at(id).ended < run.begun; });
      it = it->second.empty() ? pending_.erase(it) : std::next(it);
    }
    std::erase_if(blind_, [&](const auto& range) { return range.first > cut; });
    for (const auto& [tick, version] : views_) {
      if (tick < run.begun && version > run.target) {
        wrong = "a rollback to version " + ToString(run.target) + " succeeded while a view at version " +
                ToString(version) + " was open";
      }
    }
    needs_settlement_ = true;
  }
  AppendAcknowledged();
  ++finished_;
  return wrong;
}

History::Calm History::TakeCalm() {
  const uint64_t finished = finished_.load();
  const uint64_t started = started_.load();
  return {.calm = finished == started, .started = started, .tick = Tick()};
}

History::Overtaken History::OvertakenSince(const Calm& calm, uint64_t ended) const {
  MutexLock lock(mu_);
  if (last_success_ > calm.tick) return Overtaken::kYes;
  const bool unknown = std::any_of(rollbacks_.begin(), rollbacks_.end(), [&](const auto& entry) {
    return entry.second.ended == 0 && entry.second.begun < ended;
  });
  return unknown ? Overtaken::kNotYetKnown : Overtaken::kNo;
}

History::ViewTicket History::RegisterView(Version version, uint64_t opened) {
  MutexLock lock(mu_);
  const ViewTicket ticket{.opened = opened, .tick = Tick(), .version = version};
  views_[ticket.tick] = version;
  return ticket;
}

void History::ForgetView(const ViewTicket& ticket) {
  MutexLock lock(mu_);
  views_.erase(ticket.tick);
}

History::Doubt History::DoubtOf(const Attempt& attempt) const {
  Doubt doubt = Doubt::kNone;
  for (const auto& [ticket, run] : rollbacks_) {
    if (run.target >= attempt.version || run.begun > attempt.ended) continue;
    if (run.ended != 0 && attempt.begun > run.ended) continue;
    if (run.ended != 0) return Doubt::kUntilSettled;
    doubt = Doubt::kUntilRollbackEnds;
  }
  return doubt;
}

// Appends acknowledged commits to the branch while the next one is known and not in doubt.
void History::AppendAcknowledged() {
  while (!pending_.empty()) {
    // A version on the branch was acknowledged a second time: settlement finds the right commit.
    if (pending_.begin()->first <= model_.tip()) {
      needs_settlement_ = true;
      break;
    }
    const auto next = pending_.find(Next(model_.tip()));
    if (next == pending_.end()) break;
    const Attempt& attempt = attempts_.at(next->second.front());
    const Doubt doubt = next->second.size() > 1 ? Doubt::kUntilSettled : DoubtOf(attempt);
    if (doubt == Doubt::kUntilSettled) needs_settlement_ = true;
    if (doubt != Doubt::kNone) break;
    (void)model_.Commit(*attempt.batch);
    pending_.erase(next);
  }
  changed_.NotifyAll();
}

History::Settlement History::BeginSettlement(const ViewTicket& view) {
  MutexLock lock(mu_);
  const Settlement out{.base = model_.tip(), .top = view.version};
  if (out.empty()) FinishSettlement(view);
  return out;
}

std::string History::Settle(const Settlement& settlement, const ViewTicket& view,
                            const std::vector<CommitId>& commits) {
  MutexLock lock(mu_);
  if (model_.tip() != settlement.base) return kAgain;
  for (const CommitId id : commits) {
    const Version version = Next(model_.tip());
    const auto found = attempts_.find(id);
    const std::string named = "GetCommit(" + ToString(version) + ") names commit " + std::to_string(id);
    if (found == attempts_.end()) return named + ", which was not made in this run of the store";
    Attempt& attempt = found->second;
    if (attempt.refused) return named + ", which was answered as not applied";
    if (attempt.ended != 0 && attempt.version != version) {
      return named + ", which was answered version " + ToString(attempt.version);
    }
    attempt.version = version;
    attempt.settled = true;
    (void)model_.Commit(*attempt.batch);
  }
  FinishSettlement(view);
  return "";
}

std::string History::SettleByContent(const Settlement& settlement, const ViewTicket& view,
                                     const ModelState& content) {
  MutexLock lock(mu_);
  if (model_.tip() != settlement.base) return kAgain;
  model_.Adopt(view.version, content);
  if (Next(settlement.base) < view.version)
    blind_.emplace_back(Next(settlement.base), Previous(view.version));
  ++adoptions_;
  FinishSettlement(view);
  return "";
}

// The branch up to the view is exact. A commit that was acknowledged before the view was opened is on it or
// was rolled back.
void History::FinishSettlement(const ViewTicket& view) {
  pending_.erase(pending_.begin(), pending_.upper_bound(view.version));
  for (auto it = pending_.begin(); it != pending_.end();) {
    std::erase_if(it->second,
                  [&](CommitId id) RAWKV_REQUIRES(mu_) { return attempts_.at(id).ended < view.opened; });
    it = it->second.empty() ? pending_.erase(it) : std::next(it);
  }
  ++settlements_;
  needs_settlement_ = false;
  AppendAcknowledged();
}

bool History::WaitExact(const ViewTicket& view, int64_t milliseconds) {
  const int64_t until = SteadyMs() + milliseconds;
  MutexLock lock(mu_);
  while (true) {
    const bool open_question = std::any_of(rollbacks_.begin(), rollbacks_.end(), [&](const auto& entry) {
      return entry.second.ended == 0 && entry.second.begun < view.tick && entry.second.target < view.version;
    });
    if (!open_question && model_.tip() >= view.version) return true;
    const int64_t left = until - SteadyMs();
    if (left <= 0) return false;
    (void)changed_.WaitForMs(mu_, left);
  }
}

bool History::WaitTip(Version version, int64_t milliseconds) {
  const int64_t until = SteadyMs() + milliseconds;
  MutexLock lock(mu_);
  while (model_.tip() < version) {
    const int64_t left = until - SteadyMs();
    if (left <= 0) return false;
    (void)changed_.WaitForMs(mu_, left);
  }
  return true;
}

bool History::IsBlind(Version version) const {
  MutexLock lock(mu_);
  return version < floor_ || std::any_of(blind_.begin(), blind_.end(), [&](const auto& range) {
           return range.first <= version && version <= range.second;
         });
}

Version History::tip() const {
  MutexLock lock(mu_);
  return model_.tip();
}

Version History::floor() const {
  MutexLock lock(mu_);
  return floor_;
}

ModelState History::At(Version version) const {
  MutexLock lock(mu_);
  return model_.At(version);
}

std::optional<ModelEntry> History::Find(Version version, std::string_view key) const {
  MutexLock lock(mu_);
  return model_.Find(version, key);
}

CommitId History::CommitOf(Version version) const {
  MutexLock lock(mu_);
  return model_.Knows(version) ? IdOf(model_.metadata(version)) : 0;
}

bool History::HeldBetween(Version first, Version last, std::string_view key,
                          const std::optional<ModelEntry>& entry) const {
  MutexLock lock(mu_);
  if (entry && entry->written_by > first) first = entry->written_by;
  for (Version v = first; v <= last; v = Next(v)) {
    if (model_.Find(v, key) == entry) return true;
    if (entry) return false;  // an entry that is absent at `first` cannot come back later
  }
  return false;
}

void History::ForgetBelow(Version floor) {
  MutexLock lock(mu_);
  floor_ = std::max(floor_, floor);
  model_.ForgetBelow(floor_);
  std::erase_if(blind_, [&](const auto& range) { return range.second < floor; });
  attempts_.clear();
  pending_.clear();
  rollbacks_.clear();
}

}  // namespace rawkv::stress
