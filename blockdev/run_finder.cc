#include "blockdev/run_finder.h"

#include <algorithm>
#include <bit>

#include "blockdev/slot_bitmap.h"

namespace rawkv {

namespace {

constexpr uint64_t kWordBits = 64;

// Runs seen, the longest `bound` of them: no choice of so many could hold more, and nothing that the
// bitmap says can make this grow.
class LongestRuns {
 public:
  LongestRuns(uint64_t bound, uint64_t slots_min) : bound_(bound), slots_min_(slots_min) {}

  void Add(const Extent& run) {
    if (run.count.value() < slots_min_) return;  // no room for a byte behind the header
    if (heap_.size() == bound_ && !Longer(run, heap_.front())) return;
    heap_.push_back(run);
    std::push_heap(heap_.begin(), heap_.end(), Longer);
    if (heap_.size() <= bound_) return;
    std::pop_heap(heap_.begin(), heap_.end(), Longer);
    heap_.pop_back();
  }

  std::vector<Extent> TakeLongestFirst() {
    std::sort_heap(heap_.begin(), heap_.end(), Longer);
    return std::move(heap_);
  }

 private:
  // As the heap's order it keeps the shortest in front; equal lengths are told apart by place, so that
  // the answer does not depend on the heap's whims.
  static bool Longer(const Extent& a, const Extent& b) {
    return a.count != b.count ? a.count > b.count : a.first < b.first;
  }

  const uint64_t bound_;
  const uint64_t slots_min_;
  std::vector<Extent> heap_;
};

// Walks slots upwards and joins free ones into runs. Every method that takes slots returns true once
// the walk may stop: the open run holds `wanted` slots, or a taken slot at or above `stop_at` was met.
class Sweep {
 public:
  Sweep(SlotId from, uint64_t wanted, SlotId stop_at, std::function<void(const Extent&)> ended)
      : next_(from), run_first_(from), wanted_(wanted), stop_at_(stop_at), ended_(std::move(ended)) {}

  bool Free(uint64_t count) {
    next_ = next_ + SlotCount(count);
    return RunLength() >= wanted_;
  }

  bool Taken(uint64_t count) {
    End();
    next_ = next_ + SlotCount(count);
    run_first_ = next_;
    return next_ > stop_at_;
  }

  // The rest of a page from `bit` on, or all of it. The walk must stand at that slot.
  bool Page(const RunFinder::PageBits& bits, uint64_t bit) {
    if (bit == 0) {
      uint64_t any = 0;
      for (const uint64_t word : bits) any |= word;
      if (any == 0) return Free(RunFinder::kSlotsPerPage);
    }
    for (uint64_t word = bit / kWordBits; word < bits.size(); ++word, bit = word * kWordBits) {
      if (Word(bits[word] >> (bit % kWordBits), kWordBits - bit % kWordBits)) return true;
    }
    return false;
  }

  void End() {
    if (RunLength() > 0) ended_(Run());
    run_first_ = next_;
  }

  bool HasWanted() const { return RunLength() >= wanted_; }
  Extent Run() const { return {run_first_, SlotCount(RunLength())}; }

 private:
  uint64_t RunLength() const { return (next_ - run_first_).value(); }

  // The low `width` bits.
  bool Word(uint64_t bits, uint64_t width) {
    while (width > 0) {
      const bool taken = (bits & 1) != 0;
      const auto same = static_cast<uint64_t>(taken ? std::countr_one(bits) : std::countr_zero(bits));
      const uint64_t count = std::min(same, width);
      if (taken ? Taken(count) : Free(count)) return true;
      width -= count;
      if (width > 0) bits >>= count;
    }
    return false;
  }

  SlotId next_;
  SlotId run_first_;
  const uint64_t wanted_;
  const SlotId stop_at_;
  const std::function<void(const Extent&)> ended_;
};

// The slots of the last page that lie behind the device are taken, whatever the page says: an extent
// out of bounds must not come from a damaged bitmap.
RunFinder::PageBits Masked(const RunFinder::PageBits& bits, uint64_t slots) {
  RunFinder::PageBits out = bits;
  SetSlots(out, slots, RunFinder::kSlotsPerPage - slots);
  return out;
}

// Feeds pages to a sweep from `from` to the end of the device, or until it stops.
Status Walk(const RunFinder::Request& request, SlotId from, const RunFinder::PageLoader& load,
            const RunFinder::FreeHint& hint, Sweep& sweep) {
  const uint64_t pages = (request.slot_count + RunFinder::kSlotsPerPage - 1) / RunFinder::kSlotsPerPage;
  uint64_t bit = from.value() % RunFinder::kSlotsPerPage;
  for (uint64_t page = from.value() / RunFinder::kSlotsPerPage; page < pages; ++page, bit = 0) {
    bool stop = false;
    if (hint && hint(page) == 0) {
      stop = sweep.Taken(RunFinder::kSlotsPerPage - bit);
    } else {
      RAWKV_ASSIGN_OR_RETURN(const RunFinder::PageBits* bits, load(page));
      const uint64_t slots = request.slot_count - page * RunFinder::kSlotsPerPage;
      stop = sweep.Page(slots < RunFinder::kSlotsPerPage ? Masked(*bits, slots) : *bits, bit);
    }
    if (stop) return Status::Ok();
  }
  return Status::Ok();
}

Status NoSpace(const RunFinder::Request& request) {
  return Status::NoSpace("the device has no free slots for " + std::to_string(request.payload_bytes) +
                         " bytes in at most " + std::to_string(request.max_extents) + " runs");
}

// The longest runs first: every extent costs the same header, so no other choice needs fewer.
Result<std::vector<Extent>> Split(const RunFinder::Request& request, LongestRuns& runs) {
  std::vector<Extent> out;
  uint64_t left = request.payload_bytes;
  for (const Extent& run : runs.TakeLongestFirst()) {
    const uint64_t room = run.count.value() * request.slot_bytes - request.header_bytes;
    if (left <= room) {
      // The only extent that is cut, and it stays the last: elsewhere the room lost by rounding could
      // leave the last extent without a byte of payload.
      const uint64_t slots = RunFinder::Needed(left, request.slot_bytes, request.header_bytes);
      out.push_back({run.first, SlotCount(slots)});
      return out;
    }
    out.push_back(run);
    left -= room;
  }
  return NoSpace(request);
}

}  // namespace

uint64_t RunFinder::Needed(uint64_t payload_bytes, uint64_t slot_bytes, uint64_t header_bytes) {
  const uint64_t bytes = payload_bytes + header_bytes;
  return bytes / slot_bytes + (bytes % slot_bytes != 0 ? 1 : 0);
}

Result<std::vector<Extent>> RunFinder::Find(const Request& request, const PageLoader& load,
                                            const FreeHint& hint) {
  if (request.payload_bytes == 0 || request.slot_bytes == 0 || request.max_extents == 0) {
    return Status::InvalidArgument("a search for free slots needs a payload, a slot size and an extent");
  }
  if (request.payload_bytes / request.slot_bytes > request.slot_count) return NoSpace(request);
  const uint64_t wanted = Needed(request.payload_bytes, request.slot_bytes, request.header_bytes);
  const SlotId end(request.slot_count);
  const SlotId cursor(request.cursor.value() < request.slot_count ? request.cursor.value() : 0);
  LongestRuns runs(request.max_extents, request.header_bytes / request.slot_bytes + 1);

  // From the cursor to the end of the device. A run that begins at the cursor may begin before it; the
  // second sweep sees it whole, so it is no candidate yet.
  Sweep first(cursor, wanted, end, [&](const Extent& run) {
    if (cursor == SlotId(0) || run.first != cursor) runs.Add(run);
  });
  RAWKV_RETURN_IF_ERROR(Walk(request, cursor, load, hint, first));
  if (first.HasWanted()) return std::vector<Extent>{{first.Run().first, SlotCount(wanted)}};
  first.End();

  if (cursor > SlotId(0)) {
    // From slot 0 over the cursor to the first taken slot behind it.
    Sweep second(SlotId(0), wanted, cursor, [&](const Extent& run) { runs.Add(run); });
    RAWKV_RETURN_IF_ERROR(Walk(request, SlotId(0), load, hint, second));
    if (second.HasWanted()) return std::vector<Extent>{{second.Run().first, SlotCount(wanted)}};
    second.End();
  }
  return Split(request, runs);
}

}  // namespace rawkv
