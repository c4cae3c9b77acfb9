#include "engine/payload/extent_header.h"

#include <cstring>

#include "base/byte_codec.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/limits.h"
#include "wal/change_set.h"

namespace rawkv {
namespace {

constexpr std::string_view kMagic("RKVEXT\x01\0", 8);  // the last two bytes are the format, u16
constexpr uint64_t kChecksumOffset = 8;

// magic 8 | checksum 8 | uuid 16 | slot 8 | write id 8 | value bytes 8 | payload offset 8 |
// payload bytes 8 | extent index 4 | extent count 4 | checksums hash 8 | key length 4 | zero 20 | key
uint64_t HeaderChecksum(ConstBytes all) {
  return Xxh3(all.subspan(16), LoadLe<uint64_t>(all.data()));
}

}  // namespace

void EncodeExtentHeader(const ExtentHeader& h, Bytes out) {
  RAWKV_CHECK(out.size() >= kExtentHeaderFixedBytes + h.key.size(), "the key does not fit the header");
  ByteWriter w;
  w.Raw(kMagic);
  w.U64(0);
  w.Id(h.device_uuid);
  w.U64(h.first_slot.value());
  w.U64(h.write_id.value());
  w.U64(h.value_bytes);
  w.U64(h.payload_offset);
  w.U64(h.payload_bytes);
  w.U32(h.extent_index);
  w.U32(h.extent_count);
  w.U64(h.checksums_hash);
  w.U32(static_cast<uint32_t>(h.key.size()));
  w.Raw(std::string(20, '\0'));
  RAWKV_CHECK(w.str().size() == kExtentHeaderFixedBytes, "the fixed part has a fixed size");
  w.Raw(h.key);
  std::memset(out.data(), 0, out.size());
  std::memcpy(out.data(), w.str().data(), w.str().size());
  StoreLe<uint64_t>(out.data() + kChecksumOffset, HeaderChecksum(out));
}

Result<ExtentHeader> DecodeExtentHeader(ConstBytes bytes) {
  ByteReader r(bytes);
  const std::string_view magic = r.Raw(8);
  const uint64_t checksum = r.U64();
  if (!r.ok() || magic != kMagic) {
    return Status::Corruption("no extent header here");
  }
  if (bytes.size() < kExtentHeaderFixedBytes || checksum != HeaderChecksum(bytes)) {
    return Status::Corruption("extent header: checksum mismatch");
  }
  ExtentHeader h;
  h.device_uuid = r.Id();
  h.first_slot = SlotId(r.U64());
  h.write_id = WriteId(r.U64());
  h.value_bytes = r.U64();
  h.payload_offset = r.U64();
  h.payload_bytes = r.U64();
  h.extent_index = r.U32();
  h.extent_count = r.U32();
  h.checksums_hash = r.U64();
  const uint32_t key_bytes = r.U32();
  const std::string_view reserve = r.Raw(20);
  h.key = std::string(r.Raw(key_bytes));
  if (!AllZero(AsBytes(reserve)) || !AllZero(AsBytes(r.Raw(r.remaining())))) {
    return Status::Corruption("extent header: bytes are set that this format leaves zero");
  }
  if (!r.ok() || h.key.empty() || h.key.size() > kMaxKeyBytes || h.extent_index >= h.extent_count ||
      h.payload_bytes > h.value_bytes || h.payload_offset > h.value_bytes - h.payload_bytes) {
    return Status::Corruption("extent header: a field is out of range");
  }
  return h;
}

}  // namespace rawkv
