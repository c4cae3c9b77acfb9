#include <algorithm>
#include <tuple>

#include "base/check.h"
#include "engine/cache/cache_core.h"

// The part of CacheCore that makes room, keeps pins, and reports.
namespace rawkv {
namespace {

// Bounds the time that a round holds the lock, and the size of its commit.
constexpr size_t kRemovalsInRound = 4096;
// A value lies in at most so many pieces (SlotAllocator::kMaxExtents).
constexpr uint64_t kMaxPieces = 256;

}  // namespace

bool CacheCore::MakeQuotaRoom(Quota& quota, uint64_t bytes) {
  if (quota.bytes + bytes <= quota.bytes_max) return true;
  if (!options_.evict || bytes > quota.bytes_max) return false;
  policy_.Evict(
      [&](uint32_t id)
          RAWKV_NO_THREAD_SAFETY_ANALYSIS { return !table_[id].held && QuotaOf(table_.key(id)) == &quota; },
      [&](uint32_t id) RAWKV_NO_THREAD_SAFETY_ANALYSIS {
        MarkRemoving(id);
        doomed_.push_back(id);
        return quota.bytes + bytes > quota.bytes_max;
      });
  return quota.bytes + bytes <= quota.bytes_max;
}

bool CacheCore::Admit(CacheOperation& op) {
  bool over = false;
  {
    MutexLock lock(mu_);
    if (!waiting_.empty() || taken() + op.slots > geometry_.capacity_slots) return false;
    stored_ += op.slots;
    op.admitted = true;
    over = taken() > trigger_slots_;
  }
  if (over) wake();
  return true;
}

void CacheCore::Await(Waiting&& waiting) {
  {
    MutexLock lock(mu_);
    // A put that has been admitted once goes first.
    if (waiting.op.attempts != 0) {
      waiting_.push_front(std::move(waiting));
    } else {
      waiting_.push_back(std::move(waiting));
    }
  }
  wake();
}

CacheCore::Retry CacheCore::NextRetry() const {
  MutexLock lock(mu_);
  if (waiting_.empty()) return {};
  const CacheOperation& op = waiting_.front().op;
  if (taken() + op.slots > geometry_.capacity_slots) return {};
  const bool fits = std::all_of(op.values.begin(), op.values.end(), [&](ConstBytes value) {
    return geometry_.SlotsOf(value.size()) <= kMaxPieces;
  });
  return {.slots = fits ? op.slots : 0, .attempts = op.attempts};
}

std::vector<CacheCore::Waiting> CacheCore::CancelWaiting(const void* owner) {
  std::vector<Waiting> out;
  MutexLock lock(mu_);
  for (Waiting& waiting : waiting_) {
    if (waiting.owner == owner) out.push_back(std::move(waiting));
  }
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.owner == owner; });
  return out;
}

bool CacheCore::NeedsRound() const {
  MutexLock lock(mu_);
  return !waiting_.empty() || !doomed_.empty() || taken() > trigger_slots_;
}

void CacheCore::EvictDownTo(uint64_t stored_slots) {
  if (!options_.evict || stored_ <= stored_slots) return;
  policy_.Evict([&](uint32_t id) RAWKV_NO_THREAD_SAFETY_ANALYSIS { return !table_[id].held; },
                [&](uint32_t id) RAWKV_NO_THREAD_SAFETY_ANALYSIS {
                  MarkRemoving(id);
                  doomed_.push_back(id);
                  return stored_ > stored_slots;
                });
}

void CacheCore::Doom(uint32_t object) {
  if (table_[object].state != ObjectState::kResident || table_[object].held) return;
  policy_.Erase(object);
  MarkRemoving(object);
  doomed_.push_back(object);
}

void CacheCore::SweepExpired() {
  if (expiring_ == 0) return;
  for (uint32_t id = 0; id < table_.end(); ++id) {
    const CachedObject& object = table_[id];
    if (object.key_bytes != 0 && Expired(object)) Doom(id);
  }
}

CacheCore::Round CacheCore::PlanRound(uint64_t extra_slots, bool sweep) {
  Round round;
  MutexLock lock(mu_);
  const uint64_t need = waiting_.empty() ? 0 : waiting_.front().op.slots;
  const uint64_t attempts = waiting_.empty() ? 0 : waiting_.front().op.attempts;
  if (sweep || attempts != 0 || stored_ + need > trigger_slots_) SweepExpired();
  if (stored_ + need > trigger_slots_) {
    // A put of more than the target leaves nothing else.
    const uint64_t goal = need < target_slots_ ? target_slots_ : geometry_.capacity_slots;
    EvictDownTo(goal - std::min(goal, need));
  }
  if (const uint64_t more = extra_slots + need * attempts; more != 0) {
    const uint64_t doomed = removing_;
    if (more > doomed) EvictDownTo(stored_ - std::min(stored_, more - doomed));
  }
  while (!doomed_.empty() && round.objects.size() < kRemovalsInRound) {
    const uint32_t object = doomed_.front();
    AddDelete(object, round.batch);
    round.objects.push_back(object);
    round.slots += geometry_.SlotsOf(table_[object].bytes);
    doomed_.pop_front();
  }
  round.more = !doomed_.empty();
  round.reclaim = extra_slots != 0 || attempts != 0 || taken() + need > trigger_slots_;
  return round;
}

void CacheCore::EndRemoval(const Round& round, const Status& status) {
  MutexLock lock(mu_);
  for (const uint32_t object : round.objects) {
    const uint64_t bytes = table_[object].bytes;
    const bool expired = Expired(table_[object]);
    FinishRemoving(object, status.ok());
    if (!status.ok()) continue;
    ++(expired ? stats_.expired : stats_.evicted);
    if (!expired) stats_.evicted_bytes += bytes;
  }
}

uint64_t CacheCore::unfreed_slots() const {
  MutexLock lock(mu_);
  return unfreed_;
}

void CacheCore::SetFreed(uint64_t slots) {
  MutexLock lock(mu_);
  unfreed_ -= slots;
}

std::vector<std::pair<CacheCore::Waiting, Status>> CacheCore::TakeReady(bool worked, const Status& failure) {
  std::vector<std::pair<Waiting, Status>> ready;
  MutexLock lock(mu_);
  while (!waiting_.empty()) {
    CacheOperation& op = waiting_.front().op;
    const bool fits = taken() + op.slots <= geometry_.capacity_slots;
    Status status = failure;
    if (status.ok() && (!fits || (op.attempts != 0 && !worked))) {
      // Something may still change while other operations are under way or objects are being removed.
      const bool others = under_way_ > waiting_.size() || removing_ != 0;
      if (worked || others) break;
      status = op.attempts != 0 ? op.status
                                : Status::NoSpace(
                                      "the cache is full, and every object is pinned or read: "
                                      "nothing more can be evicted");
    }
    if (status.ok()) {
      stored_ += op.slots;
      op.admitted = true;
    }
    ready.emplace_back(std::move(waiting_.front()), std::move(status));
    waiting_.pop_front();
  }
  return ready;
}

bool CacheCore::Pin(std::string_view key, const std::string& owner, uint32_t* object) {
  MutexLock lock(mu_);
  *object = FindLive(key);
  if (*object == ObjectTable::kNone) return false;
  ++holds_[*object].pins[owner];
  table_[*object].held = true;
  return true;
}

uint32_t CacheCore::Find(std::string_view key) const {
  MutexLock lock(mu_);
  return table_.Find(key);
}

void CacheCore::Unpin(uint32_t object, const std::string& owner) {
  {
    MutexLock lock(mu_);
    Hold& hold = holds_.at(object);
    const auto pin = hold.pins.find(owner);
    RAWKV_CHECK(pin != hold.pins.end(), "a session takes back a pin that it does not have");
    if (--pin->second == 0) hold.pins.erase(pin);
    DropHold(object);
  }
  wake();
}

void CacheCore::Release(uint32_t object) {
  --holds_.at(object).leases;
  DropHold(object);
}

void CacheCore::DropHold(uint32_t object) {
  const auto it = holds_.find(object);
  if (it->second.leases != 0 || !it->second.pins.empty()) return;
  holds_.erase(it);
  table_[object].held = false;
}

ObjectUsage CacheCore::Usage(std::string_view prefix) const {
  ObjectUsage usage;
  MutexLock lock(mu_);
  if (prefix.empty()) return {stats_.objects, stats_.bytes};
  for (uint32_t id = 0; id < table_.end(); ++id) {
    const CachedObject& object = table_[id];
    if (object.key_bytes == 0 || object.state == ObjectState::kStoring) continue;
    if (!table_.key(id).starts_with(prefix)) continue;
    ++usage.objects;
    usage.bytes += object.bytes;
  }
  return usage;
}

std::vector<ObjectPin> CacheCore::Pins() const {
  std::vector<ObjectPin> out;
  MutexLock lock(mu_);
  for (const auto& [object, hold] : holds_) {
    for (const auto& [owner, count] : hold.pins) {
      out.push_back({std::string(table_.key(object)), owner, count});
    }
  }
  std::sort(out.begin(), out.end(), [](const ObjectPin& a, const ObjectPin& b) {
    return std::tie(a.key, a.owner) < std::tie(b.key, b.owner);
  });
  return out;
}

void CacheCore::FillRow(ObjectRow& row) const {
  MutexLock lock(mu_);
  const uint32_t object = table_.Find(row.key);
  if (object == ObjectTable::kNone) return;
  row.expires_unix_s = table_[object].expires;
  const auto hold = holds_.find(object);
  if (hold == holds_.end()) return;
  for (const auto& [owner, count] : hold->second.pins) row.pins += count;
}

ObjectCacheStats CacheCore::stats() const {
  MutexLock lock(mu_);
  ObjectCacheStats stats = stats_;
  stats.used_bytes = taken() * geometry_.slot_bytes;
  stats.waiting_puts = waiting_.size();
  for (const auto& [object, hold] : holds_) {
    if (!hold.pins.empty()) ++stats.pinned_objects;
    for (const auto& [owner, count] : hold.pins) stats.pins += count;
  }
  return stats;
}

void CacheCore::ForEachInOrder(
    const std::function<void(std::string_view, const EvictionPolicy::Place&)>& fn) const {
  MutexLock lock(mu_);
  policy_.ForEach([&](const EvictionPolicy::Place& place)
                      RAWKV_NO_THREAD_SAFETY_ANALYSIS { fn(table_.key(place.id), place); });
}

}  // namespace rawkv
