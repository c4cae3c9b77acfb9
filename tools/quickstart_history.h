#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace rawkv::quickstart {

// One key's change in a step. `content` names the new value for a ContentReader; empty = deleted.
struct Change {
  std::string key;
  std::string content;
  uint64_t bytes = 0;  // of the value
  bool is_delete() const { return content.empty(); }
};

// What becomes one version.
struct Step {
  std::string name;  // a commit's id, or a made-up name; kept as the version's metadata
  std::vector<Change> changes;
};

// One key that must be there, and what its value must be.
struct Expected {
  std::string key;
  std::string content;
};

struct ContentRequest {
  std::string content;
  Bytes out;  // exactly Change::bytes
};

// Fetches values. Not thread-safe; each process opens its own.
class ContentReader {
 public:
  virtual ~ContentReader() = default;
  virtual Status Read(std::span<const ContentRequest> requests) = 0;
  virtual Result<std::string> ReadWhole(const std::string& content) = 0;
};

// A history to replay, one version a step, and the judge of the result: what the store must hold at
// each step is asked of the origin (git, or the files), never derived from the changes replayed.
// Steps count from 1, so that step N makes version N; step 0 is the empty state. Thread-compatible.
class History {
 public:
  virtual ~History() = default;

  uint64_t size() const { return steps_.size(); }
  const Step& step(uint64_t number) const { return steps_.at(number - 1); }

  virtual std::string Origin() const = 0;     // "git history of …, 412 commits (…)"
  virtual std::string JudgesOwn() const = 0;  // "git's", "the files'"
  virtual std::string StepName() const = 0;   // "commit", "step"
  // What of the origin does not take part, a sentence each.
  const std::vector<std::string>& notes() const { return notes_; }

  virtual Result<std::unique_ptr<ContentReader>> OpenContent() const = 0;
  // Every key of step `number`, in byte order.
  virtual Result<std::vector<Expected>> ListingAt(uint64_t number) const = 0;
  virtual Result<bool> Matches(const Expected& expected, ConstBytes value) const = 0;

 protected:
  std::vector<Step> steps_;
  std::vector<std::string> notes_;
};

// What the replay will write, for sizing the store. Pure.
struct HistorySize {
  uint64_t puts = 0;
  uint64_t deletes = 0;
  uint64_t value_bytes = 0;       // of all puts
  uint64_t device_bytes = 0;      // values above `inline_bytes`, in whole slots
  uint64_t record_bytes = 0;      // keys, small values and their bookkeeping
  uint64_t record_bytes_max = 0;  // of the largest step
  uint64_t operations_max = 0;    // of the largest step
};
struct SlotLayout {
  uint64_t slot_bytes = 0;
  uint64_t inline_bytes = 0;
};
HistorySize Measure(const History& history, const SlotLayout& layout);

// Values that the engine takes; larger ones are left out, and said so.
struct HistoryLimits {
  uint64_t steps = 2000;  // newest steps; 0 = all
  uint64_t value_bytes = 1ull << 30;
  uint64_t key_bytes = 64ull << 10;
};

}  // namespace rawkv::quickstart
