#include <algorithm>
#include <string>

#include "blockdev/superblock.h"
#include "engine/payload/extent_header.h"
#include "tests/fuzz/reseal.h"
#include "tests/fuzz/targets.h"

namespace rawkv::fuzz {
namespace {

Verdict CheckSuperblock(std::string_view block) {
  const Result<Superblock> superblock = DecodeSuperblock(AsBytes(block));
  const bool claims = HasSuperblockMagic(AsBytes(block));
  RAWKV_CHECK((superblock.status().code() == StatusCode::kNotFound) == !claims,
              "a block with the superblock's magic must not count as an empty device");
  if (!superblock.ok()) {
    if (claims) CheckRefusal(superblock.status());
    return Verdict::kRefused;
  }
  RAWKV_CHECK(std::ranges::equal(EncodeSuperblock(*superblock), AsBytes(block)),
              "equal content must have one encoding");
  const DeviceLayout& layout = superblock->layout;
  const DeviceOffset end = layout.OffsetOf(SlotId(layout.slot_count));
  RAWKV_CHECK(layout.OffsetOf(SlotId(0)) < end, "the offsets of slots must not overflow");
  RAWKV_CHECK((end.value() - layout.slots_offset) / layout.slot_bytes == layout.slot_count,
              "the offsets of slots must not overflow");
  return Verdict::kAccepted;
}

Verdict CheckExtentHeader(std::string_view bytes) {
  return CheckDecoded(DecodeExtentHeader(AsBytes(bytes)), [&](const ExtentHeader& header) {
    std::string again(bytes.size(), 'x');
    EncodeExtentHeader(header, AsWritableBytes(again));
    RAWKV_CHECK(again == bytes, "equal content must have one encoding");
    RAWKV_CHECK(header.payload_offset + header.payload_bytes <= header.value_bytes,
                "an extent's part must lie within its value");
  });
}

}  // namespace

Verdict FuzzSuperblock(ConstBytes input) {
  return RawAndResealed(input, ResealSuperblock, CheckSuperblock);
}

Verdict FuzzExtentHeader(ConstBytes input) {
  return RawAndResealed(input, ResealExtentHeader, CheckExtentHeader);
}

}  // namespace rawkv::fuzz
