#include "tests/engine/session_history.h"

#include <algorithm>

namespace rawkv {
namespace {

std::string Name(const SessionOpRecord& r) {
  return "operation " + std::to_string(r.id) + " of session " + std::to_string(r.session) +
         " (submitted at " + std::to_string(r.submitted) + ", completed at " + std::to_string(r.completed) +
         ")";
}

// False for a commit with an unknown outcome that a reopen found applied: nobody had to see it before.
bool IsApplied(const SessionOpRecord& r) {
  return r.outcome == CommitOutcome::kApplied;
}

bool Writes(const SessionOpRecord& r, uint32_t key) {
  return std::any_of(r.changes.begin(), r.changes.end(), [&](const SessionOpRecord::Change& c) {
    return c.kind == SessionOpRecord::Change::Kind::kDeleteRange ? key >= c.key && key < c.end_key
                                                                 : key == c.key;
  });
}

}  // namespace

std::string SessionHistory::Check(std::vector<SessionOpRecord> records) {
  records_ = std::move(records);
  std::sort(records_.begin(), records_.end(),
            [](const auto& a, const auto& b) { return a.submitted < b.submitted; });
  std::map<uint32_t, bool> read_keys;
  for (const SessionOpRecord& r : records_) {
    if (r.completed == 0) return Name(r) + " never completed";
    if (r.version != 0) commits_.push_back(&r);
    for (const uint32_t key : r.keys) read_keys[key] = true;
  }
  std::sort(commits_.begin(), commits_.end(), [](auto* a, auto* b) { return a->version < b->version; });
  std::string fault = ApplyCommits();
  if (fault.empty()) fault = CheckCommitOrder();
  for (const auto& [key, unused] : read_keys) {
    if (fault.empty()) fault = CheckReads(key);
  }
  return fault;
}

// Replays the commits by version, and compares the verdict of each conditional put.
std::string SessionHistory::ApplyCommits() {
  using Kind = SessionOpRecord::Change::Kind;
  State now = base_;
  uint64_t last = version_;
  for (const SessionOpRecord* r : commits_) {
    if (r->version != last + 1) {
      return Name(*r) + " became version " + std::to_string(r->version) + " after " + std::to_string(last);
    }
    last = r->version;
    std::vector<uint32_t> existed;
    const auto set = [&](uint32_t key, uint64_t value) {
      value == 0 ? static_cast<void>(now.erase(key)) : static_cast<void>(now[key] = value);
      steps_[key].push_back({r->version, value, r});
    };
    for (uint32_t i = 0; i < r->changes.size(); ++i) {
      const SessionOpRecord::Change& c = r->changes[i];
      if (c.kind == Kind::kDeleteRange) {
        for (uint32_t key = c.key; key < c.end_key; ++key) set(key, 0);
      } else if (c.kind == Kind::kPutIfAbsent && now.contains(c.key)) {
        existed.push_back(i);
      } else {
        set(c.key, c.kind == Kind::kDelete ? 0 : c.value);
      }
    }
    if (IsApplied(*r) && existed != r->existed)
      return Name(*r) + " has a wrong verdict about the keys that existed";
  }
  return "";
}

// A commit that completed before another one was submitted has the lower version; and commits of one session
// that share a key have versions in the order of their ids.
std::string SessionHistory::CheckCommitOrder() const {
  uint64_t latest_submission = 0;
  const SessionOpRecord* latest = nullptr;
  std::map<std::pair<uint32_t, uint32_t>, const SessionOpRecord*> last_of_key;
  for (const SessionOpRecord* r : commits_) {
    if (latest != nullptr && IsApplied(*r) && r->completed < latest_submission) {
      return Name(*r) + " completed before " + Name(*latest) + " began, and has the higher version";
    }
    if (r->submitted > latest_submission) {
      latest_submission = r->submitted;
      latest = r;
    }
    for (const SessionOpRecord::Change& c : r->changes) {
      const uint32_t end = c.kind == SessionOpRecord::Change::Kind::kDeleteRange ? c.end_key : c.key + 1;
      for (uint32_t key = c.key; key < end; ++key) {
        const SessionOpRecord*& before = last_of_key[{r->session, key}];
        if (before != nullptr && before->id > r->id) {
          return Name(*r) + " has a higher version than " + Name(*before);
        }
        before = r;
      }
    }
  }
  return "";
}

uint64_t SessionHistory::ValueAt(uint32_t key, uint64_t version) const {
  uint64_t value = base_.contains(key) ? base_.at(key) : 0;
  const auto steps = steps_.find(key);
  if (steps == steps_.end()) return value;
  const auto after = std::upper_bound(steps->second.begin(), steps->second.end(), version,
                                      [](uint64_t v, const Step& step) { return v < step.version; });
  return after == steps->second.begin() ? value : std::prev(after)->value;
}

SessionHistory::State SessionHistory::StateAt(uint64_t version) const {
  State state = base_;
  for (const auto& [key, steps] : steps_) {
    const uint64_t value = ValueAt(key, version);
    value == 0 ? static_cast<void>(state.erase(key)) : static_cast<void>(state[key] = value);
  }
  return state;
}

// Gives each read, in the order of submission, the lowest version that its predecessors allow.
std::string SessionHistory::CheckReads(uint32_t key) const {
  struct Event {
    uint64_t moment;
    uint64_t version;  // that every later read sees at least
  };
  // Commits and reads of the key that have completed, by moment; `floors` keeps their running maximum.
  std::vector<Event> done;
  std::vector<std::pair<const SessionOpRecord*, size_t>> reads;
  const auto steps_it = steps_.find(key);
  const std::vector<Step> none;
  const std::vector<Step>& steps = steps_it == steps_.end() ? none : steps_it->second;
  for (const Step& step : steps) {
    if (IsApplied(*step.commit)) done.push_back({step.commit->completed, step.version});
  }
  std::map<uint32_t, std::vector<const SessionOpRecord*>> session_writes;  // by session, in the order of ids
  for (const SessionOpRecord* r : commits_) {
    if (Writes(*r, key)) session_writes[r->session].push_back(r);
  }
  for (auto& [session, writes] : session_writes) {
    std::sort(writes.begin(), writes.end(), [](auto* a, auto* b) { return a->id < b->id; });
  }
  for (const SessionOpRecord& r : records_) {
    for (size_t i = 0; i < r.keys.size(); ++i) {
      if (r.keys[i] == key && r.found[i].has_value()) reads.emplace_back(&r, i);
    }
  }
  // A heap by moment, so that the reads consume it in the order of submission.
  const auto later = [](const Event& a, const Event& b) { return a.moment > b.moment; };
  std::make_heap(done.begin(), done.end(), later);
  uint64_t floor = version_;
  for (const auto& [r, i] : reads) {
    while (!done.empty() && done.front().moment < r->submitted) {
      floor = std::max(floor, done.front().version);
      std::pop_heap(done.begin(), done.end(), later);
      done.pop_back();
    }
    uint64_t low = floor;
    uint64_t high = UINT64_MAX;
    for (const SessionOpRecord* write : session_writes[r->session]) {
      if (write->id < r->id && IsApplied(*write)) low = std::max(low, write->version);
      if (write->id > r->id) {
        high = write->version - 1;
        break;
      }
    }
    for (const Step& step : steps) {
      if (step.version > low && step.commit->submitted > r->completed)
        high = std::min(high, step.version - 1);
    }
    const uint64_t value = *r->found[i];
    std::optional<uint64_t> at;
    if (low <= high && ValueAt(key, low) == value) at = low;
    for (const Step& step : steps) {
      // The last step of a version is the one that counts.
      if (!at && step.version > low && step.version <= high && step.value == value &&
          ValueAt(key, step.version) == value) {
        at = step.version;
      }
    }
    if (!at && rollback_ && r->completed > rollback_->first && ValueAt(key, rollback_->second) == value) {
      continue;
    }
    if (!at) {
      return Name(*r) + " found " + std::to_string(value) + " for key " + std::to_string(key) +
             ", which no version from " + std::to_string(low) + " to " + std::to_string(high) + " has";
    }
    // The rollback undoes what this read saw for the reads that may run after it.
    if (rollback_ && r->completed > rollback_->first) continue;
    done.push_back({r->completed, *at});
    std::push_heap(done.begin(), done.end(), later);
  }
  return "";
}

}  // namespace rawkv
