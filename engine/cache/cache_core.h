#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "engine/cache/object_cache.h"
#include "engine/cache_table/object_table.h"

namespace rawkv {

// One operation of an ObjectSession.
struct CacheOperation {
  uint64_t id = 0;
  ObjectOp op = ObjectOp::kGet;
  std::vector<ObjectAnswer> answers{};
  // The keys that take part in the operation of the session below; the others have their answer already.
  struct Part {
    uint32_t answer = 0;  // index
    uint32_t object = 0;
    uint32_t old_bytes = 0, old_expires = 0;  // of the expired object that a put replaces; 0: none
  };
  std::vector<Part> parts{};
  std::vector<ConstBytes> values{};  // of a put, for each part
  uint64_t slots = 0;                // that a put needs
  uint32_t attempts = 0;             // of a put that found no free slot
  Status status{};                   // why the operation failed as a whole
  bool admitted = false;             // the put has room (CacheCore::Admit)
  bool begun = false;                // until End or Abandon has made every answer final
};

// How objects take room on the device.
struct CacheGeometry {
  uint64_t slot_bytes = 0, header_bytes = 0;
  uint64_t capacity_slots = 0;
  // At least one, so that the number of small objects is bounded, too.
  uint64_t SlotsOf(uint64_t bytes) const {
    return bytes == 0 ? 1 : (header_bytes + bytes + slot_bytes - 1) / slot_bytes;
  }
};

// The keys of the store that are no objects begin with this byte.
inline constexpr char kReservedByte = '\xff';
// The key with the time at which an object expires.
std::string ExpiryKey(std::string_view object);

// What the cache knows in memory: its objects, their order of eviction, pins, leases and the room that they
// take (docs/adr/0041 lists the invariants).
//
//   1. A key has at most one operation that changes it: it is storing or removing.
//   2. stored + removing + unfreed slots never exceed the capacity by an operation that Admit has admitted.
//   3. Only a resident object that is not held is in the way of eviction.
//
// Knows nothing of the store. Thread-safe.
class CacheCore {
 public:
  CacheCore(const ObjectCacheOptions& options, const CacheGeometry& geometry);

  // For the open, before any other call.
  void Reserve(uint64_t objects);
  uint32_t Load(std::string_view key, uint64_t bytes);
  void LoadExpiry(std::string_view key, uint32_t expires);
  void LoadOrder(const EvictionPolicy::Place& place);

  // Each begins an operation and fills in what the session below has to do.
  void BeginPut(std::span<const ObjectPut> puts, CacheOperation& op);
  void BeginGet(std::span<const SessionRead> reads, CacheOperation& op, std::vector<SessionRead>& wanted);
  // With `pinned`, pins each object that is there and adds it.
  void BeginExists(std::span<const std::string_view> keys, CacheOperation& op,
                   std::vector<std::string_view>& wanted, const std::string* owner,
                   std::vector<uint32_t>* pinned);
  void BeginDelete(std::span<const std::string_view> keys, CacheOperation& op);
  // The commit of a put or a delete.
  void FillBatch(const CacheOperation& op, WriteBatch& batch);
  // Ends an operation with the completion of the session below. False: the put found no free slot and has
  // given its room back; pass it to Await.
  bool End(CacheOperation& op, const SessionCompletion& done);
  // Ends an operation that the session below did not do. Does nothing to one that has not begun.
  void Abandon(CacheOperation& op, const Status& why);

  // A put that waits for room. `resume` gets the operation back, with ok once it has room, else it failed.
  struct Waiting {
    CacheOperation op;
    const void* owner = nullptr;
    std::function<void(CacheOperation&&, const Status&)> resume;
  };
  // Takes room for a put. False: there is none, or others wait.
  bool Admit(CacheOperation& op);
  void Await(Waiting&& waiting);
  // Removes and returns the waiting puts of an owner.
  std::vector<Waiting> CancelWaiting(const void* owner);

  bool Pin(std::string_view key, const std::string& owner, uint32_t* object);
  void Unpin(uint32_t object, const std::string& owner);
  uint32_t Find(std::string_view key) const;

  // One round of making room. The caller commits `batch`, and passes the removed objects to EndRemoval.
  struct Round {
    WriteBatch batch;
    std::vector<uint32_t> objects;
    uint64_t slots = 0;    // of them
    bool more = false;     // more objects wait for their removal
    bool reclaim = false;  // the slots of removed objects are needed
  };
  // Evicts as far as the watermark or a waiting put demand, and `extra_slots` more. With `sweep`, also
  // removes every object that has expired.
  Round PlanRound(uint64_t extra_slots, bool sweep);
  void EndRemoval(const Round& round, const Status& status);
  const CacheGeometry& geometry() const { return geometry_; }
  uint64_t unfreed_slots() const;
  // So many slots of removed objects are free again.
  void SetFreed(uint64_t slots);
  // Takes the waiting puts that may be resumed, or have failed: those get an error. `worked`: the round has
  // removed or freed something.
  std::vector<std::pair<Waiting, Status>> TakeReady(bool worked, const Status& failure);
  // The slots of the first waiting put, and how often the device had none for it. No slots if the capacity
  // has no room for it now, or if one of its values could lie in too many pieces for the engine, so that even
  // many free slots may not be enough.
  struct Retry {
    uint64_t slots = 0, attempts = 0;
  };
  Retry NextRetry() const;
  // Whether a round has something to do.
  bool NeedsRound() const;

  ObjectUsage Usage(std::string_view prefix) const;
  std::vector<ObjectPin> Pins() const;
  void FillRow(ObjectRow& row) const;  // the pins and the expiry of row.key
  ObjectCacheStats stats() const;
  // Calls `fn` with the objects that can be evicted from the oldest to the newest.
  void ForEachInOrder(const std::function<void(std::string_view, const EvictionPolicy::Place&)>& fn) const;
  uint64_t changes() const { return changes_; }  // grows with each change of the order

  // Called, without a lock, when a round may have something to do.
  std::function<void()> wake;

 private:
  struct Hold {
    uint64_t leases = 0;
    std::map<std::string, uint64_t> pins;  // by owner
  };
  struct Quota {
    std::string prefix;
    uint64_t bytes_max = 0, bytes = 0;  // of storing and resident objects
  };

  uint32_t NowSeconds() const;
  Status CheckPut(const ObjectPut& put) const;
  Quota* QuotaOf(std::string_view key) RAWKV_REQUIRES(mu_);
  bool Expired(const CachedObject& object) const RAWKV_REQUIRES(mu_);
  // The object of a key that a read may use, and notes the use. kNone: there is none.
  uint32_t FindLive(std::string_view key) RAWKV_REQUIRES(mu_);
  ObjectAnswer BeginOnePut(const ObjectPut& put, CacheOperation& op, uint32_t answer) RAWKV_REQUIRES(mu_);
  bool MakeQuotaRoom(Quota& quota, uint64_t bytes) RAWKV_REQUIRES(mu_);
  void AddRoom(std::string_view key, uint64_t bytes) RAWKV_REQUIRES(mu_);
  void DropRoom(std::string_view key, uint64_t bytes) RAWKV_REQUIRES(mu_);
  // Lets the next round remove an object, unless something holds or changes it.
  void Doom(uint32_t object) RAWKV_REQUIRES(mu_);
  void MarkRemoving(uint32_t object) RAWKV_REQUIRES(mu_);
  void FinishRemoving(uint32_t object, bool removed) RAWKV_REQUIRES(mu_);
  void EndPut(CacheOperation& op, const SessionCompletion& done) RAWKV_REQUIRES(mu_);
  void UndoPut(CacheOperation& op) RAWKV_REQUIRES(mu_);
  void Release(uint32_t object) RAWKV_REQUIRES(mu_);
  void DropHold(uint32_t object) RAWKV_REQUIRES(mu_);
  void EvictDownTo(uint64_t stored_slots) RAWKV_REQUIRES(mu_);
  void SweepExpired() RAWKV_REQUIRES(mu_);
  uint64_t taken() const RAWKV_REQUIRES(mu_) { return stored_ + removing_ + unfreed_; }
  void AddDelete(uint32_t object, WriteBatch& batch) const RAWKV_REQUIRES(mu_);

  const ObjectCacheOptions options_;
  const CacheGeometry geometry_;
  const uint64_t trigger_slots_, target_slots_;
  std::atomic<uint64_t> changes_{0};

  mutable Mutex mu_;
  ObjectTable table_ RAWKV_GUARDED_BY(mu_);
  EvictionPolicy policy_ RAWKV_GUARDED_BY(mu_);
  std::unordered_map<uint32_t, Hold> holds_ RAWKV_GUARDED_BY(mu_);
  std::vector<Quota> quotas_ RAWKV_GUARDED_BY(mu_);
  std::deque<uint32_t> doomed_ RAWKV_GUARDED_BY(mu_);  // removing, for the next round
  std::deque<Waiting> waiting_ RAWKV_GUARDED_BY(mu_);
  // Slots: of storing and resident objects; of removing ones; of removed ones that are not free yet.
  uint64_t stored_ RAWKV_GUARDED_BY(mu_) = 0, removing_ RAWKV_GUARDED_BY(mu_) = 0,
                   unfreed_ RAWKV_GUARDED_BY(mu_) = 0;
  uint64_t under_way_ RAWKV_GUARDED_BY(mu_) = 0;  // operations in a session below
  uint64_t expiring_ RAWKV_GUARDED_BY(mu_) = 0;   // objects with a time to live
  ObjectCacheStats stats_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
