#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/results.h"
#include "engine/index/key_index.h"
#include "engine/payload/payload_io.h"

namespace rawkv {

// Reads of one state: index look-up, device read, verification. Borrowed for the length of a call;
// the caller keeps the slots from being reused meanwhile (an epoch or a view).
class Reader {
 public:
  Reader(KeyIndex& index, const ReadPoint* at, PayloadIo& payload)
      : index_(index), at_(at), payload_(payload) {}

  Result<Value> Get(std::string_view key);
  Result<uint64_t> GetInto(std::string_view key, Bytes out);
  Result<uint64_t> GetRange(std::string_view key, uint64_t offset, Bytes out);
  std::vector<Result<Value>> MultiGet(std::span<const std::string_view> keys);
  Result<bool> Exists(std::string_view key);

 private:
  Result<IndexEntry> Find(std::string_view key);

  KeyIndex& index_;
  const ReadPoint* const at_;
  PayloadIo& payload_;
};

// `key "…"` as an error names it: printable, of bounded length.
std::string KeyForMessage(std::string_view key);

// A whole value, read and verified.
Result<std::string> ReadStoredValue(PayloadIo& payload, const StoredValue& value);

}  // namespace rawkv
