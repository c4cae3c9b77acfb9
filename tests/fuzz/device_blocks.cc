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
              "what claims to be a superblock is never taken for an empty device");
  if (!superblock.ok()) {
    if (claims) CheckRefusal(superblock.status());
    return Verdict::kRefused;
  }
  RAWKV_CHECK(std::ranges::equal(EncodeSuperblock(*superblock), AsBytes(block)), "one block a content");
  const DeviceLayout& layout = superblock->layout;
  const DeviceOffset end = layout.OffsetOf(SlotId(layout.slot_count));
  RAWKV_CHECK(layout.OffsetOf(SlotId(0)) < end, "the slots' places do not overflow");
  RAWKV_CHECK((end.value() - layout.slots_offset) / layout.slot_bytes == layout.slot_count,
              "the slots' places do not overflow");
  return Verdict::kAccepted;
}

Verdict CheckExtentHeader(std::string_view bytes) {
  const Result<ExtentHeader> header = DecodeExtentHeader(AsBytes(bytes));
  if (!header.ok()) {
    CheckRefusal(header.status());
    return Verdict::kRefused;
  }
  std::string again(bytes.size(), 'x');
  EncodeExtentHeader(*header, AsWritableBytes(again));
  RAWKV_CHECK(again == bytes, "one block a content");
  RAWKV_CHECK(header->payload_offset + header->payload_bytes <= header->value_bytes,
              "an extent's part lies within its value");
  return Verdict::kAccepted;
}

}  // namespace

Verdict FuzzSuperblock(ConstBytes input) {
  return RawAndResealed(input, ResealSuperblock, CheckSuperblock);
}

Verdict FuzzExtentHeader(ConstBytes input) {
  return RawAndResealed(input, ResealExtentHeader, CheckExtentHeader);
}

}  // namespace rawkv::fuzz
