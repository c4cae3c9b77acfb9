#include "blockdev/run_finder.h"

#include <algorithm>
#include <bit>

#include "blockdev/slot_bitmap.h"

namespace rawkv {

namespace {

constexpr uint64_t kWordBits = 64;

// Keeps the longest `bound` runs. No other choice of as many runs holds more, and no bitmap can make the list
// larger.
class LongestRuns {
 public:
  LongestRuns(uint64_t bound, uint64_t slots_min) : bound_(bound), slots_min_(slots_min) {}

  void Add(const Extent& run) {
    if (run.count.value() < slots_min_) return;  // no room for a byte after the header
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
  // As the heap's order it keeps the shortest run in front. Runs of equal length are ordered by place, so
  // that the result is deterministic.
  static bool Longer(const Extent& a, const Extent& b) {
    return a.count != b.count ? a.count > b.count : a.first < b.first;
  }

  const uint64_t bound_;
  const uint64_t slots_min_;
  std::vector<Extent> heap_;
};

// Scans slots upwards and joins free ones into runs. Each Add method returns true once the scan may stop: the
// open run holds `wanted` slots, or there was a taken slot at or above `stop_at`.
class RunScan {
 public:
  RunScan(SlotId from, uint64_t wanted, SlotId stop_at, std::function<void(const Extent&)> ended)
      : next_(from), run_first_(from), wanted_(wanted), stop_at_(stop_at), ended_(std::move(ended)) {}

  bool AddFree(uint64_t count) {
    next_ = next_ + SlotCount(count);
    return RunLength() >= wanted_;
  }

  bool AddTaken(uint64_t count) {
    EndRun();
    next_ = next_ + SlotCount(count);
    run_first_ = next_;
    return next_ > stop_at_;
  }

  // Adds the slots of a page from `bit` on. The scan must be at that slot.
  bool AddPage(const RunFinder::PageBits& bits, uint64_t bit) {
    if (bit == 0) {
      uint64_t any = 0;
      for (const uint64_t word : bits) any |= word;
      if (any == 0) return AddFree(RunFinder::kSlotsPerPage);
    }
    for (uint64_t word = bit / kWordBits; word < bits.size(); ++word, bit = word * kWordBits) {
      if (AddWord(bits[word] >> (bit % kWordBits), kWordBits - bit % kWordBits)) return true;
    }
    return false;
  }

  void EndRun() {
    if (RunLength() > 0) ended_(Run());
    run_first_ = next_;
  }

  bool HasWanted() const { return RunLength() >= wanted_; }
  Extent Run() const { return {run_first_, SlotCount(RunLength())}; }

 private:
  uint64_t RunLength() const { return (next_ - run_first_).value(); }

  // Adds the slots of the low `width` bits.
  bool AddWord(uint64_t bits, uint64_t width) {
    while (width > 0) {
      const bool taken = (bits & 1) != 0;
      const auto same = static_cast<uint64_t>(taken ? std::countr_one(bits) : std::countr_zero(bits));
      const uint64_t count = std::min(same, width);
      if (taken ? AddTaken(count) : AddFree(count)) return true;
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

// Sets the bits of the slots past the end of the device, so that a damaged bitmap cannot give an extent out
// of bounds.
RunFinder::PageBits MaskSlotsPastEnd(const RunFinder::PageBits& bits, uint64_t slots) {
  RunFinder::PageBits out = bits;
  SetSlots(out, slots, RunFinder::kSlotsPerPage - slots);
  return out;
}

// Adds pages to a scan from `from` to the end of the device, or until the scan may stop.
Status Walk(const RunFinder::Request& request, SlotId from, const RunFinder::PageLoader& load,
            const RunFinder::FreeHint& hint, RunScan& scan) {
  const uint64_t pages = (request.slot_count + RunFinder::kSlotsPerPage - 1) / RunFinder::kSlotsPerPage;
  uint64_t bit = from.value() % RunFinder::kSlotsPerPage;
  for (uint64_t page = from.value() / RunFinder::kSlotsPerPage; page < pages; ++page, bit = 0) {
    bool stop = false;
    if (hint && hint(page) == 0) {
      stop = scan.AddTaken(RunFinder::kSlotsPerPage - bit);
    } else {
      RAWKV_ASSIGN_OR_RETURN(const RunFinder::PageBits* bits, load(page));
      const uint64_t slots = request.slot_count - page * RunFinder::kSlotsPerPage;
      stop = scan.AddPage(slots < RunFinder::kSlotsPerPage ? MaskSlotsPastEnd(*bits, slots) : *bits, bit);
    }
    if (stop) return Status::Ok();
  }
  return Status::Ok();
}

Status NoSpace(const RunFinder::Request& request) {
  return Status::NoSpace("the device has no free slots for " + std::to_string(request.payload_bytes) +
                         " bytes in at most " + std::to_string(request.max_extents) + " runs");
}

// Divides the payload among the longest runs. Every extent costs the same header, so no other choice needs
// fewer.
Result<std::vector<Extent>> Split(const RunFinder::Request& request, LongestRuns& runs) {
  std::vector<Extent> out;
  uint64_t left = request.payload_bytes;
  for (const Extent& run : runs.TakeLongestFirst()) {
    const uint64_t room = run.count.value() * request.slot_bytes - request.header_bytes;
    if (left <= room) {
      // Only the last extent is shortened. If another were, the space lost by rounding could leave the last
      // extent without a byte of payload.
      const uint64_t slots = RunFinder::SlotsNeeded(left, request.slot_bytes, request.header_bytes);
      out.push_back({run.first, SlotCount(slots)});
      return out;
    }
    out.push_back(run);
    left -= room;
  }
  return NoSpace(request);
}

}  // namespace

uint64_t RunFinder::SlotsNeeded(uint64_t payload_bytes, uint64_t slot_bytes, uint64_t header_bytes) {
  const uint64_t bytes = payload_bytes + header_bytes;
  return bytes / slot_bytes + (bytes % slot_bytes != 0 ? 1 : 0);
}

Result<std::vector<Extent>> RunFinder::Find(const Request& request, const PageLoader& load,
                                            const FreeHint& hint) {
  if (request.payload_bytes == 0 || request.slot_bytes == 0 || request.max_extents == 0) {
    return Status::InvalidArgument("a search for free slots needs a payload, a slot size and an extent");
  }
  if (request.payload_bytes / request.slot_bytes > request.slot_count) return NoSpace(request);
  const uint64_t wanted = SlotsNeeded(request.payload_bytes, request.slot_bytes, request.header_bytes);
  const SlotId end(request.slot_count);
  const SlotId cursor(request.cursor.value() < request.slot_count ? request.cursor.value() : 0);
  LongestRuns runs(request.max_extents, request.header_bytes / request.slot_bytes + 1);

  // From the cursor to the end of the device. A run that begins at the cursor may in fact begin before it.
  // The second scan finds the whole run, so the first one does not count it.
  RunScan first(cursor, wanted, end, [&](const Extent& run) {
    if (cursor == SlotId(0) || run.first != cursor) runs.Add(run);
  });
  RAWKV_RETURN_IF_ERROR(Walk(request, cursor, load, hint, first));
  if (first.HasWanted()) return std::vector<Extent>{{first.Run().first, SlotCount(wanted)}};
  first.EndRun();

  if (cursor > SlotId(0)) {
    // From slot 0 through the cursor to the first taken slot after it.
    RunScan second(SlotId(0), wanted, cursor, [&](const Extent& run) { runs.Add(run); });
    RAWKV_RETURN_IF_ERROR(Walk(request, SlotId(0), load, hint, second));
    if (second.HasWanted()) return std::vector<Extent>{{second.Run().first, SlotCount(wanted)}};
    second.EndRun();
  }
  return Split(request, runs);
}

}  // namespace rawkv
