#include "engine/cache/cache_keeper.h"

#include <algorithm>

#include "base/exception_status.h"
#include "engine/cache/recency.h"

namespace rawkv {
namespace {

constexpr int64_t kTickMs = 1000;
constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kSweepSeconds = 10;

}  // namespace

Status CacheKeeper::Start() {
  {
    MutexLock round(round_mu_);
    saved_changes_ = core_.changes();
    saved_at_ns_ = swept_at_ns_ = options_.env.clock->MonotonicNs();
  }
  return thread_.Start([this] { Run(); });
}

void CacheKeeper::Stop() {
  {
    MutexLock lock(mu_);
    stop_ = true;
  }
  changed_.NotifyAll();
  thread_.Join();
}

void CacheKeeper::Wake() {
  {
    MutexLock lock(mu_);
    requested_ = true;
  }
  changed_.NotifyOne();
}

void CacheKeeper::Run() {
  for (;;) {
    {
      MutexLock lock(mu_);
      while (!requested_ && !stop_) {
        if (!changed_.WaitForMs(mu_, kTickMs)) break;
      }
      if (stop_) return;
      requested_ = false;
    }
    Tick();
  }
}

void CacheKeeper::Tick() {
  MutexLock round(round_mu_);
  const uint64_t now = options_.env.clock->MonotonicNs();
  const bool sweep = now - swept_at_ns_ >= kSweepSeconds * kSecondNs;
  if (sweep) swept_at_ns_ = now;
  bool worked = false, more = false;
  Status status;
  if (const CacheCore::Retry retry = core_.NextRetry();
      retry.attempts != 0 && retry.slots != 0 && HasRoomFor(4 * retry.slots)) {
    // Evictions would not help. Slots may have become free since, so the put may try once more.
    worked = true;
    if (retry.attempts > 1) {
      status = Status::NoSpace(options_.directory +
                               ": a put found no room, although the device has free slots: the filesystem of "
                               "the store's directory or of the device file is full");
    }
  } else if (sweep || core_.NeedsRound()) {
    status = NoThrow([&] { return MakeRoom(0, sweep, nullptr, &worked); });
    more = worked;
  }
  for (auto& [waiting, why] : core_.TakeReady(worked, status)) {
    waiting.resume(std::move(waiting.op), why);
  }
  if (more && core_.NeedsRound()) Wake();  // until a round finds nothing to do
  const uint64_t interval = options_.recency_interval_seconds;
  if (interval == 0 || now - saved_at_ns_ < interval * kSecondNs || core_.changes() == saved_changes_) return;
  const uint64_t changes = core_.changes();
  const Status saved = NoThrow([&] { return SavedOrder::Save(engine_, core_, inline_bytes_); });
  saved_at_ns_ = now;
  if (saved.ok()) saved_changes_ = changes;
  if (!saved.ok()) {
    options_.env.logger->Log(LogLevel::kWarning,
                             options_.directory +
                                 ": the cache cannot save the order of use, and keeps the "
                                 "older one: " +
                                 saved.ToString());
  }
}

bool CacheKeeper::HasRoomFor(uint64_t slots) {
  const Result<EngineInfo> info = engine_.Info();
  return info.ok() && info->slots.available >= slots;
}

Status CacheKeeper::MakeRoom(uint64_t extra_slots, bool sweep, uint64_t* removed, bool* worked) {
  CacheCore::Round round;
  bool reclaim = false;
  do {
    round = core_.PlanRound(extra_slots, sweep);
    extra_slots -= std::min(extra_slots, round.slots);
    reclaim |= round.reclaim;
    if (round.objects.empty()) break;
    // The slots are used again only after a snapshot, which makes the commit durable.
    const Status status = engine_.Commit(round.batch, {.durability = Durability::kUnsafeUnsynced}).status;
    core_.EndRemoval(round, status);
    if (!status.ok()) return status.WithContext("evicting objects");
    *worked = true;
    if (removed != nullptr) *removed += round.slots;
  } while (round.more || extra_slots != 0);
  const uint64_t unfreed = core_.unfreed_slots();
  if (!reclaim || unfreed == 0) return Status::Ok();
  // Moves the floor of history to the tip, so that nothing needs the slots any more.
  const Status freed = engine_.CreateSnapshot().status();
  if (!freed.ok() && !freed.lacks_resource())
    return freed.WithContext("freeing the slots of evicted objects");
  // Without resources for a snapshot, the commit of the put tries the same once more.
  core_.SetFreed(unfreed);
  *worked = true;
  return Status::Ok();
}

Result<uint64_t> CacheKeeper::Evict(uint64_t slots) {
  MutexLock round(round_mu_);
  uint64_t removed = 0;
  bool worked = false;
  RAWKV_RETURN_IF_ERROR(MakeRoom(slots, true, &removed, &worked));
  Wake();
  return removed;
}

Status CacheKeeper::SaveRecency() {
  MutexLock round(round_mu_);
  return SavedOrder::Save(engine_, core_, inline_bytes_);
}

}  // namespace rawkv
