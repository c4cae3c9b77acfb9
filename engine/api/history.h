#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/api/info.h"

namespace rawkv {

// What a commit did to one key or to one range of keys.
struct KeyChange {
  enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };
  Kind kind = Kind::kPut;
  std::string key;
  std::string end_key;       // kDeleteRange: [key, end_key); "" = to the last key
  uint64_t value_bytes = 0;  // kPut: length of the value
};

// One version of the history.
struct HistoryEntry {
  CommitRecord commit;
  // False if the log does not hold the record of this version any more. The version is then kept by a
  // snapshot alone, and what it changed is not known: the fields below are 0 and empty.
  bool changes_known = false;
  uint64_t puts = 0;
  uint64_t deletes = 0;            // of keys and of ranges
  uint64_t value_bytes = 0;        // of all puts
  std::vector<KeyChange> changes;  // those within the bounds, in their order; see HistoryOptions::changes
};

using HistoryFn = std::function<Status(const HistoryEntry&)>;

struct HistoryOptions {
  std::optional<Version> from;  // the oldest version; absent: the oldest retained one
  std::optional<Version> to;    // the newest version; absent: the tip
  // Only versions that are known to change a key within the bounds, which have the meaning of
  // IteratorOptions. Without bounds all versions.
  std::string lower, upper, prefix;
  uint64_t limit = 0;    // at most so many versions, the newest ones; 0: all
  bool changes = false;  // fill HistoryEntry::changes
};

// What one version has for a key.
struct KeyState {
  uint64_t value_bytes = 0;  // length of the value
  Version written_by;        // the version that wrote the value
  friend bool operator==(const KeyState&, const KeyState&) = default;
};

// A key that two versions have differently. A key that was written again differs, also if its value is the
// same.
struct KeyDifference {
  std::string key;
  std::optional<KeyState> from, to;  // absent: that version has no such key
  friend bool operator==(const KeyDifference&, const KeyDifference&) = default;
};

using DiffFn = std::function<Status(const KeyDifference&)>;

// How a difference is found. Each way gives the same answer.
enum class DiffWay : uint8_t {
  kCheapest,    // the first of the others that reaches both versions
  kUndo,        // from the undo records: costs what changed from the older version to the tip
  kLog,         // from the log: reads it from the newest snapshot below the older version to the newer one
  kComparison,  // opens views of both versions and compares all keys
};

struct DiffOptions {
  Version from, to;                  // in any order
  std::string lower, upper, prefix;  // only keys within these bounds, as in IteratorOptions
  uint64_t limit = 0;                // at most so many keys, the first ones; 0: all
  // With kUndo and kLog: kFailedPrecondition if that way does not reach both versions, or needs more than
  // 256 MiB of memory for the keys.
  DiffWay way = DiffWay::kCheapest;
};

}  // namespace rawkv
