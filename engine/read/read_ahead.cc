#include "engine/read/read_ahead.h"

#include <algorithm>

#include "base/exception_status.h"

namespace rawkv {
namespace {

// A walk that ends soon should not have read much that nobody wants. The window doubles with each batch.
constexpr uint64_t kFirstWindowBytes = 128 << 10;
// Entries that one batch looks at, most of them without a payload.
constexpr size_t kEntriesMax = 4096;

uint64_t RoomOf(const StoredValue& value) {
  return AlignUp(value.length(), kBlockAlign);
}

}  // namespace

void ReadAhead::Moved(Step step) {
  if (bytes_max_ == 0) return;
  if (step == Step::kJump) return Forget();
  ++steps_;
  direction_ = step;
}

void ReadAhead::Forget() {
  read_one_ = false;
  steps_ = 0;
  streak_ = Step::kJump;
  window_bytes_ = 0;
  values_.clear();
  next_ = 0;
}

bool ReadAhead::TakeStreak() {
  const bool again = read_one_ && steps_ == 0;  // the same entry
  const bool consecutive = read_one_ && steps_ == 1;
  read_one_ = true;
  steps_ = 0;
  if (again) return streak_ != Step::kJump;
  if (!consecutive || (streak_ != Step::kJump && streak_ != direction_)) {
    Forget();
    read_one_ = true;
    return false;
  }
  streak_ = direction_;
  return true;
}

const ConstBytes* ReadAhead::Find(std::string_view key) {
  // The same entry again, or the next one.
  for (const size_t at : {next_ - 1, next_}) {
    if (at < values_.size() && values_[at].key == key) {
      next_ = at + 1;
      return &values_[at].bytes;
    }
  }
  return nullptr;
}

const ConstBytes* ReadAhead::Read(std::string_view key, const StoredValue& value) {
  if (bytes_max_ == 0 || !TakeStreak() || value.is_inline()) return nullptr;
  if (const ConstBytes* const found = Find(key)) return found;
  // A value that failed, or that is too large for the memory, leaves those after it in place.
  if (next_ < values_.size() || RoomOf(value) > bytes_max_) return nullptr;
  if (!NoThrow([&]() -> Status {
         Fill(key);
         return {};
       }).ok()) {
    values_.clear();
    next_ = 0;
    return nullptr;
  }
  return Find(key);
}

void ReadAhead::Fill(std::string_view key) {
  values_.clear();
  next_ = 0;
  window_bytes_ = std::min(bytes_max_, std::max(kFirstWindowBytes, window_bytes_ * 2));
  if (cursor_ == nullptr) cursor_ = new_cursor_();
  if (!cursor_->Valid() || cursor_->key() != key) cursor_->Seek(key);

  std::vector<PayloadRef> refs;
  std::vector<std::string> keys;
  uint64_t bytes = 0;
  for (size_t looked = 0; cursor_->Valid() && looked < kEntriesMax; ++looked) {
    Result<IndexEntry> entry = cursor_->entry();
    if (!entry.ok()) break;  // the walk reports it
    if (!entry->value.is_inline()) {
      const uint64_t room = RoomOf(entry->value);
      // The value that is wanted now is read in any case.
      if (bytes + room > (refs.empty() ? bytes_max_ : window_bytes_)) break;
      bytes += room;
      keys.emplace_back(cursor_->key());
      refs.push_back(std::get<PayloadRef>(std::move(entry->value.data)));
    }
    streak_ == Step::kNext ? cursor_->Next() : cursor_->Prev();
  }
  if (memory_.size() < bytes) memory_ = AlignedBuffer(std::max(bytes, window_bytes_));
  std::vector<PayloadIo::ReadJob> jobs;
  uint64_t at = 0;
  for (const PayloadRef& ref : refs) {
    const uint64_t room = AlignUp(ref.length, kBlockAlign);
    jobs.push_back({.ref = &ref,
                    .offset = 0,
                    .length = ref.length,
                    .out = memory_.bytes().subspan(at, room),
                    .status = {}});
    at += room;
  }
  payload_.ReadMany(jobs);
  for (size_t i = 0; i < jobs.size(); ++i) {
    // The walk reads a value that failed once more, and returns that error.
    if (jobs[i].status.ok()) {
      values_.push_back({std::move(keys[i]), ConstBytes(jobs[i].out).first(jobs[i].length)});
    }
  }
}

}  // namespace rawkv
