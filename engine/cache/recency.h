#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/cache/cache_core.h"
#include "engine/engine.h"

namespace rawkv {

// The order of use, as the cache saves it in its store (docs/formats/cache-keys.md).
class SavedOrder {
 public:
  // Saves the present order with one commit.
  static Status Save(Engine& engine, const CacheCore& core, uint64_t inline_bytes);
  // Whether an order was saved, as each cache does when it is opened and closed.
  static Result<bool> IsSaved(Engine& engine);
  // Reads the newest saved order. Without one, or with one of a newer format, the order is empty.
  static Result<SavedOrder> Load(Engine& engine);

  enum class Where : uint8_t {
    kOlder,    // the order was too long to be saved, and this object was among its oldest
    kInOrder,  // at `rank`
    kNewer,    // stored after the order was saved
  };
  struct Found {
    Where where = Where::kNewer;
    uint64_t rank = 0;  // 0: the oldest
    bool used = false, hand = false;
  };
  Found Find(std::string_view key, Version written_by) const;
  uint64_t size() const { return entries_.size(); }

 private:
  void IndexEntries();

  Version saved_at_;
  bool cut_ = false;               // without its oldest objects
  uint64_t hand_ = UINT64_MAX;     // rank
  std::vector<uint64_t> entries_;  // from the oldest to the newest: hash and bit of use
  std::vector<uint32_t> ranks_;    // by hash, open addressing; a power of two
};

}  // namespace rawkv
