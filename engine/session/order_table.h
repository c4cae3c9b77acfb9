#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/write_batch.h"

namespace rawkv {

class Place;

// The places that name a key.
struct KeyUse {
  Place* writer = nullptr;      // the newest write that is not done
  std::vector<Place*> readers;  // added since then, not begun
  uint64_t visited = 0;         // the newest addition that names the key
};
using KeyUses = std::map<std::string, KeyUse, std::less<>>;

// The place of an operation in the order of its session.
//
// A read *begins* when its look-up in the index has finished: from then on it reads what it found. A
// write or a sync begins when it is queued for the committer, which keeps that order. A write is *done* when
// its outcome is known.
class Place {
 public:
  enum class Kind : uint8_t { kRead, kWrite, kSync };
  explicit Place(Kind kind) : kind_(kind) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  Kind place_kind() const { return kind_; }
  // Makes a place that has left its table usable again. Keeps the memory of its lists.
  void Reset();

 private:
  friend class OrderTable;
  friend class ReadyPlaces;

  const Kind kind_;
  bool begun_ = false;
  size_t waits_for_ = 0;                 // places that hold this one back
  std::vector<Place*> until_begun_;      // wait until this one has begun
  std::vector<Place*> until_done_;       // wait until this one is done
  std::vector<KeyUses::iterator> keys_;  // that name this place
  uint64_t visited_ = 0;                 // the newest addition that waits for this place
  Place* next_ready_ = nullptr;
};

// Places that may begin, in the order in which they became ready. Allocates nothing.
class ReadyPlaces {
 public:
  void Push(Place* place) {
    place->next_ready_ = nullptr;
    (first_ == nullptr ? first_ : last_->next_ready_) = place;
    last_ = place;
  }
  Place* Pop() {
    Place* const place = first_;
    if (place != nullptr) first_ = place->next_ready_;
    return place;
  }

 private:
  Place* first_ = nullptr;
  Place* last_ = nullptr;
};

// Decides when an operation of a session may begin (rule 3 of Session):
//
//   1. A read begins after each earlier write of its keys is done.
//   2. A write begins after each earlier read and write of its keys has begun. A range delete counts for each
//      key in its range.
//   3. A sync begins after each earlier write has begun.
//   4. A place waits only for earlier places, so the oldest one that is not done is never held back.
//
// A *fast* read is one whose look-up runs at once, while nothing else is in the table. It is only counted,
// and later writes wait until no fast read looks up.
//
// Functions that add throw std::bad_alloc and then leave nothing of the place. The others allocate nothing.
// Not thread-safe.
class OrderTable {
 public:
  // True: the caller looks up now, and calls EndFastRead.
  bool TryFastRead();
  // Each returns whether the place may begin at once. Otherwise a later call returns it as ready.
  bool AddRead(Place& place, std::span<const std::string_view> keys);
  bool AddWrite(Place& place, const WriteBatch& batch);
  bool AddSync(Place& place);

  // Each appends to `ready` the places that may begin now.
  void EndFastRead(ReadyPlaces& ready);
  void Begin(Place& place, ReadyPlaces& ready);
  void FinishWrite(Place& place, ReadyPlaces& ready);

  // Whether no place and no fast read is in the table.
  bool empty() const { return keys_.empty() && ranges_.empty() && fast_reads_ == 0; }

 private:
  struct Range {
    std::string begin, end;  // end "": to the last key
    Place* place = nullptr;
  };
  // What an addition changes. Nothing is changed before everything is allocated.
  struct Addition;

  void WaitFor(Addition& addition, std::vector<Place*>& list, Place& earlier);
  void WaitForWriteOrder(Addition& addition, const KeyUse& use);
  KeyUses::iterator UseKey(Addition& addition, std::string_view key);
  bool Apply(Addition& addition);
  void DropUnused(const std::vector<KeyUses::iterator>& keys);
  void Release(std::vector<Place*>& list, ReadyPlaces& ready);

  KeyUses keys_;
  std::vector<Range> ranges_;       // range deletes that are not done
  std::set<Place*> held_writes_;    // writes that have not begun
  size_t fast_reads_ = 0;           // that look up
  std::vector<Place*> after_fast_;  // writes that wait for them
  uint64_t additions_ = 0;
};

}  // namespace rawkv
