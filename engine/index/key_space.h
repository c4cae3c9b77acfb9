#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"

// The keys of the one RocksDB column family: a prefix byte for the key space, then the fields by which the
// space is ordered. Numbers are big-endian, so that the order of bytes is the order of numbers.
// docs/formats/index.md.
namespace rawkv {

enum class KeySpace : char {
  kAllocationPage = 'b',     // + page number
  kDeferredBySlot = 'd',     // + first slot
  kDeferredByVersion = 'f',  // + version that freed it, first slot
  kUserKey = 'k',            // + the user's key
  kMeta = 'm',               // alone
  kUndo = 'u',               // + version
};

// A key in the form for RocksDB. Keys up to 127 bytes need no allocation.
class IndexKey {
 public:
  explicit IndexKey(KeySpace space) : IndexKey(space, {}) {}
  IndexKey(KeySpace space, std::string_view rest);

  std::string_view view() const {
    return heap_.empty() ? std::string_view(inline_.data(), size_) : std::string_view(heap_);
  }

 private:
  static constexpr size_t kInlineBytes = 128;
  std::array<char, kInlineBytes> inline_;  // meaningful if heap_ is empty
  size_t size_ = 0;
  std::string heap_;
};

inline IndexKey UserKey(std::string_view key) {
  return {KeySpace::kUserKey, key};
}
IndexKey PageKey(uint64_t page);
IndexKey DeferredBySlotKey(SlotId first);
IndexKey DeferredByVersionKey(Version freed, SlotId first);
IndexKey UndoKey(Version version);

// The first key after all keys of a space.
IndexKey EndOf(KeySpace space);
// The first key after the user keys below `end`; "": after all user keys.
inline IndexKey UserKeyEnd(std::string_view end) {
  return end.empty() ? EndOf(KeySpace::kUserKey) : UserKey(end);
}

// The fields of a key of the space. kCorruption: the length is wrong.
Result<uint64_t> ParsePageKey(std::string_view key);
Result<SlotId> ParseDeferredBySlotKey(std::string_view key);
struct FreedSlot {
  Version freed;
  SlotId first;
};
Result<FreedSlot> ParseDeferredByVersionKey(std::string_view key);
Result<Version> ParseUndoKey(std::string_view key);

}  // namespace rawkv
