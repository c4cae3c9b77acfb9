#include "engine/index/allocation_page.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/engine/index/index_samples.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

AllocationPage SomeLiveSomeDeferred() {
  AllocationPage page;
  page.taken[0] = 0xff;
  page.live[0] = 0x0f;
  page.taken[63] = ~uint64_t{0};
  page.live[63] = uint64_t{1} << 63;
  return page;
}

AllocationPage AllLive() {
  AllocationPage page;
  page.taken.fill(~uint64_t{0});
  page.live.fill(~uint64_t{0});
  return page;
}

TEST(AllocationPage, CountsItsBits) {
  EXPECT_EQ(SomeLiveSomeDeferred().TakenCount(), 72u);
}

TEST(AllocationPage, RoundTrips) {
  for (const AllocationPage& page : {AllocationPage(), SomeLiveSomeDeferred(), AllLive()}) {
    ASSERT_OK_AND_ASSIGN(const AllocationPage decoded,
                         DecodeAllocationPage(AsBytes(EncodeAllocationPage(page))));
    EXPECT_EQ(decoded, page);
  }
}

TEST(AllocationPage, DecodingIsStrict) {
  ExpectStrictDecoding(EncodeAllocationPage(SomeLiveSomeDeferred()), [](const std::string& bytes) {
    const Result<AllocationPage> page = DecodeAllocationPage(AsBytes(bytes));
    return page.ok() ? std::make_unique<std::string>(EncodeAllocationPage(*page)) : nullptr;
  });
}

TEST(AllocationPage, ACountThatContradictsTheBitsIsCorruption) {
  std::string bytes = EncodeAllocationPage(SomeLiveSomeDeferred());
  ++bytes[0];
  EXPECT_EQ(DecodeAllocationPage(AsBytes(bytes)).status().code(), StatusCode::kCorruption);
}

TEST(AllocationPage, ALiveSlotThatIsNotTakenIsCorruption) {
  std::string bytes = EncodeAllocationPage(SomeLiveSomeDeferred());
  bytes[2 + 512 + 8] = 1;
  EXPECT_EQ(DecodeAllocationPage(AsBytes(bytes)).status().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace rawkv
