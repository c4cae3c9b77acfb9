#include "engine/index/allocation_page.h"

#include <bit>

#include "base/byte_codec.h"
#include "base/check.h"

// docs/formats/index.md.
namespace rawkv {
namespace {

constexpr size_t kEncodedBytes = 2 + 2 * sizeof(RunFinder::PageBits);
static_assert(kEncodedBytes == 1026);

uint64_t Count(const RunFinder::PageBits& bits) {
  uint64_t n = 0;
  for (const uint64_t word : bits) n += static_cast<uint64_t>(std::popcount(word));
  return n;
}

bool LiveWithoutTaken(const AllocationPage& page) {
  for (size_t i = 0; i < page.live.size(); ++i) {
    if ((page.live[i] & ~page.taken[i]) != 0) return true;
  }
  return false;
}

}  // namespace

uint64_t AllocationPage::TakenCount() const {
  return Count(taken);
}
uint64_t AllocationPage::LiveCount() const {
  return Count(live);
}

std::string EncodeAllocationPage(const AllocationPage& page) {
  RAWKV_CHECK(!LiveWithoutTaken(page), "a live slot is a taken slot");
  ByteWriter out;
  out.U16(static_cast<uint16_t>(AllocationPage::kSlots - page.TakenCount()));
  for (const uint64_t word : page.taken) out.U64(word);
  for (const uint64_t word : page.live) out.U64(word);
  return out.Take();
}

Result<AllocationPage> DecodeAllocationPage(ConstBytes bytes) {
  if (bytes.size() != kEncodedBytes) {
    return Status::Corruption("allocation page of " + std::to_string(bytes.size()) + " bytes instead of " +
                              std::to_string(kEncodedBytes));
  }
  ByteReader in(bytes);
  const uint64_t free = in.U16();
  AllocationPage page;
  for (uint64_t& word : page.taken) word = in.U64();
  for (uint64_t& word : page.live) word = in.U64();
  if (free != AllocationPage::kSlots - page.TakenCount()) {
    return Status::Corruption("allocation page counts " + std::to_string(free) +
                              " free slots, its bits say " +
                              std::to_string(AllocationPage::kSlots - page.TakenCount()));
  }
  if (LiveWithoutTaken(page)) return Status::Corruption("allocation page holds a slot both live and free");
  return page;
}

}  // namespace rawkv
