#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/results.h"
#include "engine/api/session.h"
#include "engine/index/key_index.h"
#include "engine/payload/payload_io.h"
#include "engine/value_cache/value_cache.h"

namespace rawkv {

// Reads one state: looks a key up in the index, reads the device and verifies. The caller makes one for a
// call, and keeps the slots from being reused meanwhile by an epoch or a view. Engine documents the functions
// and their errors.
class Reader {
 public:
  // Of the tip; `values` may be null.
  Reader(KeyIndex& index, PayloadIo& payload, ValueCache* values)
      : index_(index), payload_(payload), values_(values) {}
  // Of a view.
  Reader(KeyIndex& index, PayloadIo& payload, const ReadPoint* at)
      : index_(index), payload_(payload), at_(at) {}

  Result<Value> Get(std::string_view key);
  Result<uint64_t> GetInto(std::string_view key, Bytes out);
  Result<uint64_t> GetRange(std::string_view key, uint64_t offset, Bytes out);
  std::vector<Result<Value>> MultiGet(std::span<const std::string_view> keys);
  std::vector<SessionAnswer> MultiGetInto(std::span<const SessionRead> reads);
  Result<bool> Exists(std::string_view key);

 private:
  Result<IndexEntry> Find(std::string_view key);
  std::vector<Result<IndexEntry>> FindMany(std::span<const std::string_view> keys);

  KeyIndex& index_;
  PayloadIo& payload_;
  ValueCache* const values_ = nullptr;
  const ReadPoint* const at_ = nullptr;
};

// kInvalidArgument, which names two of the keys, if the memory of two reads overlaps. The values would
// overwrite each other, and a check of one after the other was written would report damage where there is
// none.
Status CheckSeparateMemory(std::span<const SessionRead> reads);

// `key "…"` for a message: printable, at most 80 bytes of the key.
std::string KeyForMessage(std::string_view key);

// Reads and verifies a whole value.
Result<std::string> ReadStoredValue(PayloadIo& payload, const StoredValue& value);

}  // namespace rawkv
