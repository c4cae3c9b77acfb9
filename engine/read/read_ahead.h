#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "blockdev/aligned_buffer.h"
#include "engine/index/index_cursor.h"
#include "engine/payload/payload_io.h"

namespace rawkv {

// Reads the payloads of the next entries of a walk together, once the walk has read two consecutive entries
// in one direction. Holds at most `bytes_max` bytes of payload. Returns only verified bytes. Whatever goes
// wrong here, the caller reads the value by itself. Not thread-safe.
class ReadAhead {
 public:
  // `new_cursor` makes a cursor over the entries of the walk. All arguments must outlive this object. With
  // `bytes_max` 0 it does nothing.
  using NewCursor = std::function<std::unique_ptr<IndexCursor>()>;
  ReadAhead(PayloadIo& payload, uint64_t bytes_max, NewCursor new_cursor)
      : payload_(payload), bytes_max_(bytes_max), new_cursor_(std::move(new_cursor)) {}

  enum class Step : uint8_t { kNext, kPrev, kJump };
  // The walk has moved.
  void Moved(Step step);
  // The walk reads the value of its entry, which has this key. Returns the value of a payload, or null: the
  // caller then reads it. The bytes stay valid until the next call.
  const ConstBytes* Read(std::string_view key, const StoredValue& value);
  // In a forked process, whose threads may have held locks of the index: leaks the cursor.
  void Leak() { (void)cursor_.release(); }

 private:
  struct Ahead {
    std::string key;
    ConstBytes bytes;
  };

  // Whether the entry follows directly on the one that was read last, in the same direction.
  bool TakeStreak();
  const ConstBytes* Find(std::string_view key);
  // Reads the values from `key` on.
  void Fill(std::string_view key);
  void Forget();

  PayloadIo& payload_;
  const uint64_t bytes_max_;
  const NewCursor new_cursor_;

  bool read_one_ = false;         // the walk has read a value, and has not jumped since
  uint64_t steps_ = 0;            // of the walk since then
  Step direction_ = Step::kJump;  // of the newest step
  Step streak_ = Step::kJump;     // direction of the present streak
  uint64_t window_bytes_ = 0;     // payload of the next batch

  std::unique_ptr<IndexCursor> cursor_;  // at the first entry that was not read ahead
  AlignedBuffer memory_;
  std::vector<Ahead> values_;  // in the direction of the walk
  size_t next_ = 0;            // of values_
};

}  // namespace rawkv
