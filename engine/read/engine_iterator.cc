#include "engine/read/engine_iterator.h"

#include <algorithm>

#include "base/exception_status.h"
#include "base/key_prefix.h"
#include "engine/read/read_ahead.h"
#include "engine/read/reader.h"

namespace rawkv {
namespace {

class EngineIterator final : public Iterator {
 public:
  EngineIterator(std::shared_ptr<const EngineView> view, const KeyBounds& bounds, PayloadIo& payload,
                 uint64_t read_ahead_bytes)
      : view_(std::move(view)),
        payload_(payload),
        empty_(bounds.empty),
        cursor_(NewCursor(*view_, bounds)),
        ahead_(payload, read_ahead_bytes, [this, bounds] { return NewCursor(*view_, bounds); }) {}

  ~EngineIterator() override {
    // Threads that a forked process does not have may hold locks of the index.
    if (!view_->forked()) return;
    (void)cursor_.release();
    ahead_.Leak();
  }

  bool Valid() const override { return !empty_ && error_.ok() && cursor_->Valid(); }
  void SeekToFirst() override {
    Move(ReadAhead::Step::kJump, [this] { cursor_->SeekToFirst(); });
  }
  void SeekToLast() override {
    Move(ReadAhead::Step::kJump, [this] { cursor_->SeekToLast(); });
  }
  void Seek(std::string_view key) override {
    Move(ReadAhead::Step::kJump, [&] { cursor_->Seek(key); });
  }
  void Next() override {
    Move(ReadAhead::Step::kNext, [this] { cursor_->Next(); });
  }
  void Prev() override {
    Move(ReadAhead::Step::kPrev, [this] { cursor_->Prev(); });
  }
  std::string_view key() const override { return cursor_->key(); }
  uint64_t value_bytes() const override { return entry_.value.length(); }
  Version written_by() const override { return entry_.written_by; }
  Result<std::string> ReadValue() const override {
    return NoThrow([this]() -> Result<std::string> {
      RAWKV_RETURN_IF_ERROR(CheckProcess());
      if (const ConstBytes* const bytes = ahead_.Read(key(), entry_.value)) {
        return std::string(AsStringView(*bytes));
      }
      Result<std::string> value = ReadStoredValue(payload_, entry_.value);
      if (!value.ok()) return value.status().WithContext(KeyForMessage(key()));
      return value;
    });
  }
  Status status() const override {
    return NoThrow([this] { return error_.ok() ? cursor_->status() : error_; });
  }

 private:
  static std::unique_ptr<IndexCursor> NewCursor(const EngineView& view, const KeyBounds& bounds) {
    return view.index().NewCursor(bounds.lower, bounds.upper, view.point());
  }

  Status CheckProcess() const {
    if (!view_->forked()) return Status::Ok();
    return Status::FailedPrecondition(
        "an iterator cannot be used in a process that was forked after its store was opened");
  }

  // Moves the cursor and reads the entry there. An error ends the walk.
  template <typename Go>
  void Move(ReadAhead::Step step, const Go& go) {
    ahead_.Moved(step);
    error_ = NoThrow([&]() -> Status {
      RAWKV_RETURN_IF_ERROR(CheckProcess());
      go();
      if (empty_ || !cursor_->Valid()) return Status::Ok();
      RAWKV_ASSIGN_OR_RETURN(entry_, cursor_->entry());
      return Status::Ok();
    });
  }

  const std::shared_ptr<const EngineView> view_;
  PayloadIo& payload_;
  const bool empty_;
  std::unique_ptr<IndexCursor> cursor_;
  mutable ReadAhead ahead_;  // ReadValue does not move the iterator
  IndexEntry entry_;
  Status error_;
};

}  // namespace

KeyBounds NarrowBounds(std::string lower, std::string upper, std::string_view prefix) {
  KeyBounds out{std::move(lower), std::move(upper), false};
  if (!prefix.empty()) {
    const std::string end = PrefixEnd(prefix);
    out.lower = std::max(out.lower, std::string(prefix));
    if (!end.empty()) out.upper = out.upper.empty() ? end : std::min(out.upper, end);
  }
  out.empty = !out.upper.empty() && out.upper <= out.lower;
  return out;
}

std::unique_ptr<Iterator> NewEngineIterator(std::shared_ptr<const EngineView> view, const KeyBounds& bounds,
                                            PayloadIo& payload, uint64_t read_ahead_bytes) {
  return std::make_unique<EngineIterator>(std::move(view), bounds, payload, read_ahead_bytes);
}

}  // namespace rawkv
