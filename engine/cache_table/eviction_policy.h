#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "base/export.h"

namespace rawkv {

// In which order objects are evicted.
//   kLru    least recently used first: each use makes an object the newest.
//   kSieve  SIEVE (Zhang et al., NSDI 2024): a hand moves from the oldest object to the newest. It spares
//   each
//           object that was used since it last passed, once. A scan of objects that nobody reads again evicts
//           only such objects.
enum class EvictionKind : uint8_t { kLru, kSieve };

// The order in which objects are evicted. It knows objects only by number, and nothing of where they are. The
// numbers should be dense: memory grows with the largest one, 8 bytes each. Not thread-safe.
class RAWKV_EXPORT EvictionPolicy {
 public:
  static constexpr uint32_t kMaxId = (1u << 31) - 2;

  explicit EvictionPolicy(EvictionKind kind) : kind_(kind) {}
  EvictionKind kind() const { return kind_; }
  uint64_t size() const { return size_; }

  // Adds an object that is not there, as the newest one.
  void Insert(uint32_t id);
  // Notes a use of an object that is there.
  void Touch(uint32_t id);
  // Removes an object that is there.
  void Erase(uint32_t id);
  // Removes objects in the order of eviction. Passes over those for which `may_evict` is false, without a
  // change to their order. Calls `taken` with each one that it removed. Ends once `taken` returns false or no
  // object is left that may go.
  void Evict(const std::function<bool(uint32_t)>& may_evict, const std::function<bool(uint32_t)>& taken);

  // The state of one object, from which a policy with the same order can be made.
  struct Place {
    uint32_t id = 0;
    bool used = false;  // kSieve: since the hand last passed it
    bool hand = false;  // kSieve: the hand is here
  };
  // Calls `fn` with the objects from the oldest to the newest.
  void ForEach(const std::function<void(const Place&)>& fn) const;
  // Adds an object as ForEach reported it, as the newest one.
  void Restore(const Place& place);

 private:
  static constexpr uint32_t kNone = kMaxId + 1;
  struct Node {
    uint32_t older;
    uint32_t newer : 31;
    uint32_t used : 1;
  };
  void Unlink(uint32_t id);
  void LinkNewest(uint32_t id);

  const EvictionKind kind_;
  std::deque<Node> nodes_;  // by id
  uint32_t oldest_ = kNone, newest_ = kNone;
  uint32_t hand_ = kNone;  // kNone: at the oldest
  uint64_t size_ = 0;
};

}  // namespace rawkv
