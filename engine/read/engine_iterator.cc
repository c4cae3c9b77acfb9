#include "engine/read/engine_iterator.h"

#include <algorithm>

#include "base/exception_status.h"
#include "base/key_prefix.h"
#include "engine/read/reader.h"

namespace rawkv {
namespace {

class EngineIterator final : public Iterator {
 public:
  EngineIterator(std::shared_ptr<const EngineView> view, const KeyBounds& bounds, PayloadIo& payload)
      : view_(std::move(view)), payload_(payload), empty_(bounds.empty) {
    cursor_ = view_->index().NewCursor(bounds.lower, bounds.upper, view_->point());
  }

  ~EngineIterator() override {
    // Threads that a forked process does not have may hold locks of the index.
    if (view_->forked()) (void)cursor_.release();
  }

  bool Valid() const override { return !empty_ && error_.ok() && cursor_->Valid(); }
  void SeekToFirst() override {
    Move([this] { cursor_->SeekToFirst(); });
  }
  void SeekToLast() override {
    Move([this] { cursor_->SeekToLast(); });
  }
  void Seek(std::string_view key) override {
    Move([&] { cursor_->Seek(key); });
  }
  void Next() override {
    Move([this] { cursor_->Next(); });
  }
  void Prev() override {
    Move([this] { cursor_->Prev(); });
  }
  std::string_view key() const override { return cursor_->key(); }
  uint64_t value_bytes() const override { return entry_.value.length(); }
  Version written_by() const override { return entry_.written_by; }
  Result<std::string> ReadValue() const override {
    return NoThrow([this]() -> Result<std::string> {
      RAWKV_RETURN_IF_ERROR(CheckProcess());
      Result<std::string> value = ReadStoredValue(payload_, entry_.value);
      if (!value.ok()) return value.status().WithContext(KeyForMessage(key()));
      return value;
    });
  }
  Status status() const override {
    return NoThrow([this] { return error_.ok() ? cursor_->status() : error_; });
  }

 private:
  Status CheckProcess() const {
    if (!view_->forked()) return Status::Ok();
    return Status::FailedPrecondition(
        "an iterator cannot be used in a process that was forked after its store was opened");
  }

  // Moves the cursor and reads the entry there. An error ends the walk.
  template <typename Step>
  void Move(const Step& step) {
    error_ = NoThrow([&]() -> Status {
      RAWKV_RETURN_IF_ERROR(CheckProcess());
      step();
      if (empty_ || !cursor_->Valid()) return Status::Ok();
      RAWKV_ASSIGN_OR_RETURN(entry_, cursor_->entry());
      return Status::Ok();
    });
  }

  const std::shared_ptr<const EngineView> view_;
  PayloadIo& payload_;
  const bool empty_;
  std::unique_ptr<IndexCursor> cursor_;
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
                                            PayloadIo& payload) {
  return std::make_unique<EngineIterator>(std::move(view), bounds, payload);
}

}  // namespace rawkv
