#include <algorithm>
#include <string>

#include "blockdev/checkpoint_header.h"
#include "blockdev/superblock.h"
#include "engine/checkpoint/checkpoint_content.h"
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

Verdict CheckCheckpointHeader(std::string_view block) {
  const Result<CheckpointHeader> header = DecodeCheckpointHeader(AsBytes(block));
  if (!header.ok()) {
    if (header.status().code() != StatusCode::kNotFound) CheckRefusal(header.status());
    return Verdict::kRefused;
  }
  RAWKV_CHECK(std::ranges::equal(EncodeCheckpointHeader(*header), AsBytes(block)),
              "equal content must have one encoding");
  return Verdict::kAccepted;
}

}  // namespace

Verdict FuzzCheckpointHeader(ConstBytes input) {
  return RawAndResealed(input, ResealSuperblock, CheckCheckpointHeader);  // the checksum is at the same place
}

Verdict FuzzCheckpointContent(ConstBytes input) {
  std::string again;
  uint64_t keys = 0;
  CheckpointEncoder encoder([&](std::string_view payload, CheckpointBlockWriter::Place) -> Status {
    again = payload;
    return Status::Ok();
  });
  CheckpointDecoder decoder([&](const CheckpointHead& head) { return encoder.PutHead(head); },
                            [&](std::string_view key, std::string_view entry) {
                              ++keys;
                              return encoder.PutKey(key, entry);
                            });
  const Status decoded = decoder.AddBlock(AsStringView(input));
  if (!decoded.ok()) {
    CheckRefusal(decoded);
    return Verdict::kRefused;
  }
  RAWKV_CHECK(decoder.Finish(keys).ok() && !decoder.Finish(keys + 1).ok(), "every key must be counted");
  RAWKV_CHECK(encoder.Finish().ok() && again == AsStringView(input), "equal content must have one encoding");
  return Verdict::kAccepted;
}

Verdict FuzzSuperblock(ConstBytes input) {
  return RawAndResealed(input, ResealSuperblock, CheckSuperblock);
}

Verdict FuzzExtentHeader(ConstBytes input) {
  return RawAndResealed(input, ResealExtentHeader, CheckExtentHeader);
}

}  // namespace rawkv::fuzz
