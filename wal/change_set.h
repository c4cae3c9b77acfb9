#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/extent.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/sha256.h"

namespace rawkv {

// A value as log and index know it: its bytes, or where its payload lies.
struct StoredValue {
  std::variant<std::string, PayloadRef> data;
  std::optional<Sha256Digest> sha256;  // of the value's bytes; when the store keeps digests
  bool is_inline() const { return std::holds_alternative<std::string>(data); }
  uint64_t length() const;
  friend bool operator==(const StoredValue&, const StoredValue&) = default;
};

struct ChangeOp {
  enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };
  Kind kind = Kind::kPut;
  std::string key;
  std::string end_key;  // kDeleteRange: [key, end_key); empty = to the last key
  StoredValue value;    // kPut
  friend bool operator==(const ChangeOp&, const ChangeOp&) = default;
};

// What one version does, in order: a later operation wins over an earlier one.
struct ChangeSet {
  std::vector<ChangeOp> ops;
  std::string user_metadata;           // the user's own (application hash, label); up to 64 KiB
  std::optional<Sha256Digest> digest;  // state digest after this version, when digests are on
  friend bool operator==(const ChangeSet&, const ChangeSet&) = default;
};

// The payloads that the version contains once the whole set is applied, in the order of their keys. A
// payload that a later operation of the same set overwrites or deletes is not among them: no version
// contains it, so that its slots may be reused as soon as the version itself is the oldest reachable one.
struct KeptPayload {
  const std::string* key;
  const PayloadRef* ref;
};
std::vector<KeptPayload> KeptPayloads(const ChangeSet& change_set);

// Protobuf `rawkv.wal.ChangeSet` (wal/changelog.proto); docs/formats/wal.md.
std::string EncodeChangeSet(const ChangeSet& change_set);

// kCorruption for a content that Encode could not have written: keys empty or over kMaxKeyBytes, lengths that
// disagree with extents or checksum counts, a range that ends before it begins, unknown fields. Accepts the
// fields of an operation in any order, repeated or with default values, as protobuf does. Memory is bounded
// by a small multiple of the input.
Result<ChangeSet> DecodeChangeSet(ConstBytes bytes);

}  // namespace rawkv
