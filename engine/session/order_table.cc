#include "engine/session/order_table.h"

#include "base/check.h"

namespace rawkv {
namespace {

bool RangeCovers(std::string_view begin, std::string_view end, std::string_view key) {
  return key >= begin && (end.empty() || key < end);
}

void ReserveOneMore(std::vector<Place*>& list) {
  if (list.size() == list.capacity()) list.reserve(2 * list.size() + 2);
}

}  // namespace

struct OrderTable::Addition {
  Place& place;
  std::vector<std::vector<Place*>*> waits{};  // lists that get the place
  std::vector<KeyUses::iterator> keys{};      // of the place, each once
  std::vector<Range> ranges{};
};

void Place::Reset() {
  RAWKV_CHECK(waits_for_ == 0 && keys_.empty(), "a place leaves its table before it is used again");
  begun_ = false;
  until_begun_.clear();
  until_done_.clear();
}

bool OrderTable::TryFastRead() {
  if (!keys_.empty() || !ranges_.empty() || !after_fast_.empty()) return false;
  ++fast_reads_;
  return true;
}

void OrderTable::WaitFor(Addition& addition, std::vector<Place*>& list, Place& earlier) {
  if (&earlier == &addition.place || earlier.visited_ == additions_) return;
  ReserveOneMore(list);
  addition.waits.push_back(&list);
  earlier.visited_ = additions_;
}

void OrderTable::WaitForWriteOrder(Addition& addition, const KeyUse& use) {
  if (use.writer != nullptr && !use.writer->begun_) WaitFor(addition, use.writer->until_begun_, *use.writer);
  for (Place* reader : use.readers) WaitFor(addition, reader->until_begun_, *reader);
}

KeyUses::iterator OrderTable::UseKey(Addition& addition, std::string_view key) {
  if (addition.keys.size() == addition.keys.capacity()) addition.keys.reserve(2 * addition.keys.size() + 2);
  auto it = keys_.find(key);
  if (it == keys_.end()) it = keys_.emplace(std::string(key), KeyUse{}).first;
  if (it->second.visited != additions_) addition.keys.push_back(it);
  it->second.visited = additions_;
  return it;
}

bool OrderTable::AddRead(Place& place, std::span<const std::string_view> keys) {
  Addition addition{.place = place};
  ++additions_;
  try {
    for (const std::string_view key : keys) {
      KeyUse& use = UseKey(addition, key)->second;
      ReserveOneMore(use.readers);
      if (use.writer != nullptr) WaitFor(addition, use.writer->until_done_, *use.writer);
      for (const Range& range : ranges_) {
        if (RangeCovers(range.begin, range.end, key)) {
          WaitFor(addition, range.place->until_done_, *range.place);
        }
      }
    }
  } catch (...) {
    DropUnused(addition.keys);
    throw;
  }
  for (const auto it : addition.keys) it->second.readers.push_back(&place);
  return Apply(addition);
}

bool OrderTable::AddWrite(Place& place, const WriteBatch& batch) {
  Addition addition{.place = place};
  ++additions_;
  try {
    for (const WriteBatch::Operation& op : batch.operations()) {
      if (op.kind == WriteBatch::Operation::Kind::kDeleteRange) {
        for (auto it = keys_.lower_bound(op.key);
             it != keys_.end() && RangeCovers(op.key, op.end_key, it->first); ++it) {
          WaitForWriteOrder(addition, it->second);
        }
        for (const Range& range : ranges_) {
          if (!range.place->begun_) WaitFor(addition, range.place->until_begun_, *range.place);
        }
        addition.ranges.push_back({op.key, op.end_key, &place});
        continue;
      }
      WaitForWriteOrder(addition, UseKey(addition, op.key)->second);
      for (const Range& range : ranges_) {
        if (!range.place->begun_ && RangeCovers(range.begin, range.end, op.key)) {
          WaitFor(addition, range.place->until_begun_, *range.place);
        }
      }
    }
    ranges_.reserve(ranges_.size() + addition.ranges.size());
    if (fast_reads_ != 0) {
      ReserveOneMore(after_fast_);
      addition.waits.push_back(&after_fast_);
    }
    held_writes_.insert(&place);
  } catch (...) {
    DropUnused(addition.keys);
    throw;
  }
  for (const auto it : addition.keys) {
    it->second.writer = &place;
    it->second.readers.clear();
  }
  for (Range& range : addition.ranges) ranges_.push_back(std::move(range));
  return Apply(addition);
}

bool OrderTable::AddSync(Place& place) {
  Addition addition{.place = place};
  ++additions_;
  for (Place* write : held_writes_) WaitFor(addition, write->until_begun_, *write);
  return Apply(addition);
}

bool OrderTable::Apply(Addition& addition) {
  Place& place = addition.place;
  place.keys_ = std::move(addition.keys);
  place.waits_for_ = addition.waits.size();
  for (std::vector<Place*>* list : addition.waits) list->push_back(&place);
  return place.waits_for_ == 0;
}

void OrderTable::DropUnused(const std::vector<KeyUses::iterator>& keys) {
  for (const auto it : keys) {
    if (it->second.writer == nullptr && it->second.readers.empty()) keys_.erase(it);
  }
}

void OrderTable::Release(std::vector<Place*>& list, ReadyPlaces& ready) {
  for (Place* place : list) {
    if (--place->waits_for_ == 0) ready.Push(place);
  }
  list.clear();
}

void OrderTable::EndFastRead(ReadyPlaces& ready) {
  RAWKV_CHECK(fast_reads_ != 0, "a fast read ends once");
  if (--fast_reads_ == 0) Release(after_fast_, ready);
}

void OrderTable::Begin(Place& place, ReadyPlaces& ready) {
  RAWKV_CHECK(!place.begun_ && place.waits_for_ == 0, "a place begins once, and is not held back then");
  place.begun_ = true;
  if (place.kind_ == Place::Kind::kWrite) held_writes_.erase(&place);
  if (place.kind_ == Place::Kind::kRead) {
    for (const auto it : place.keys_) std::erase(it->second.readers, &place);
    DropUnused(place.keys_);
    place.keys_.clear();
  }
  Release(place.until_begun_, ready);
}

void OrderTable::FinishWrite(Place& place, ReadyPlaces& ready) {
  for (const auto it : place.keys_) {
    if (it->second.writer == &place) it->second.writer = nullptr;
  }
  DropUnused(place.keys_);
  place.keys_.clear();
  std::erase_if(ranges_, [&](const Range& range) { return range.place == &place; });
  Release(place.until_done_, ready);
}

}  // namespace rawkv
