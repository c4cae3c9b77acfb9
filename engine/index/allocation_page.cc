#include "engine/index/allocation_page.h"

#include <cstddef>
#include <tuple>

#include "base/check.h"
#include "base/endian.h"
#include "blockdev/slot_bitmap.h"

// docs/formats/index.md.
namespace rawkv {
namespace {

constexpr size_t kWordBytes = 8;
constexpr size_t kWords = std::tuple_size_v<RunFinder::PageBits>;
constexpr size_t kFreeCountAt = 0;  // u16
constexpr size_t kTakenAt = 2;
constexpr size_t kLiveAt = kTakenAt + kWords * kWordBytes;
constexpr size_t kEncodedBytes = kLiveAt + kWords * kWordBytes;
static_assert(kEncodedBytes == 1026);
static_assert(AllocationPage::kSlots <= UINT16_MAX);

bool HasLiveWithoutTaken(const AllocationPage& page) {
  for (size_t i = 0; i < page.live.size(); ++i) {
    if ((page.live[i] & ~page.taken[i]) != 0) return true;
  }
  return false;
}

}  // namespace

uint64_t AllocationPage::TakenCount() const {
  return CountSlots(taken);
}
std::string EncodeAllocationPage(const AllocationPage& page) {
  RAWKV_CHECK(!HasLiveWithoutTaken(page), "a live slot is a taken slot");
  std::string out(kEncodedBytes, '\0');
  StoreLe(&out[kFreeCountAt], static_cast<uint16_t>(AllocationPage::kSlots - page.TakenCount()));
  for (size_t i = 0; i < kWords; ++i) {
    StoreLe(&out[kTakenAt + i * kWordBytes], page.taken[i]);
    StoreLe(&out[kLiveAt + i * kWordBytes], page.live[i]);
  }
  return out;
}

Result<AllocationPage> DecodeAllocationPage(ConstBytes bytes) {
  if (bytes.size() != kEncodedBytes) {
    return Status::Corruption("allocation page of " + std::to_string(bytes.size()) + " bytes instead of " +
                              std::to_string(kEncodedBytes));
  }
  const uint64_t free = LoadLe<uint16_t>(&bytes[kFreeCountAt]);
  AllocationPage page;
  for (size_t i = 0; i < kWords; ++i) {
    page.taken[i] = LoadLe<uint64_t>(&bytes[kTakenAt + i * kWordBytes]);
    page.live[i] = LoadLe<uint64_t>(&bytes[kLiveAt + i * kWordBytes]);
  }
  if (free != AllocationPage::kSlots - page.TakenCount()) {
    return Status::Corruption("allocation page counts " + std::to_string(free) +
                              " free slots, its bits give " +
                              std::to_string(AllocationPage::kSlots - page.TakenCount()));
  }
  if (HasLiveWithoutTaken(page)) return Status::Corruption("allocation page holds a slot both live and free");
  return page;
}

}  // namespace rawkv
