#include "engine/engine_iterator.h"

#include <algorithm>

#include "engine/key_prefix.h"
#include "engine/reader.h"

namespace rawkv {
namespace {

class EngineIterator final : public Iterator {
 public:
  EngineIterator(std::shared_ptr<const EngineView> view, const KeyBounds& bounds, PayloadIo& payload)
      : view_(std::move(view)), payload_(payload), empty_(bounds.empty) {
    cursor_ = view_->index().NewCursor(bounds.lower, bounds.upper, view_->point());
  }

  bool Valid() const override { return !empty_ && error_.ok() && cursor_->Valid(); }
  void SeekToFirst() override {
    cursor_->SeekToFirst();
    Load();
  }
  void SeekToLast() override {
    cursor_->SeekToLast();
    Load();
  }
  void Seek(std::string_view key) override {
    cursor_->Seek(key);
    Load();
  }
  void Next() override {
    cursor_->Next();
    Load();
  }
  void Prev() override {
    cursor_->Prev();
    Load();
  }
  std::string_view key() const override { return cursor_->key(); }
  uint64_t value_bytes() const override { return entry_.value.length(); }
  Version written_by() const override { return entry_.written_by; }
  Result<std::string> ReadValue() const override {
    Result<std::string> value = ReadStoredValue(payload_, entry_.value);
    if (!value.ok()) return value.status().WithContext(KeyForMessage(key()));
    return value;
  }
  Status status() const override { return error_.ok() ? cursor_->status() : error_; }

 private:
  void Load() {
    error_ = Status::Ok();
    if (empty_ || !cursor_->Valid()) return;
    Result<IndexEntry> entry = cursor_->entry();
    if (entry.ok()) {
      entry_ = *std::move(entry);
    } else {
      error_ = entry.status();
    }
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
