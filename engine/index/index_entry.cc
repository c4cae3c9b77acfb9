#include "engine/index/index_entry.h"

#include <algorithm>
#include <utility>

#include "base/byte_codec.h"
#include "base/check.h"
#include "base/extent.h"
#include "base/limits.h"

// docs/formats/index.md. The entry has no checksum of its own: RocksDB's blocks have one.
namespace rawkv {
namespace {

// The first byte: the kind of the value, and whether a SHA-256 follows. Never zero.
constexpr uint8_t kInline = 0x01;
constexpr uint8_t kPayload = 0x02;
constexpr uint8_t kHasSha256 = 0x80;

constexpr uint64_t kExtentBytes = 16;
constexpr uint64_t kChecksumBytes = 8;

Status Bad(const char* what) {
  return Status::Corruption(std::string("index entry: ") + what);
}

Status DecodePayload(ByteReader& in, PayloadRef* out) {
  PayloadRef& ref = *out;
  ref.write_id = WriteId(in.U64());
  ref.length = in.U64();
  const uint64_t extents = in.U32();
  // Checks the sizes before it allocates: the rest must be exactly these extents and checksums.
  if (!in.ok()) return Bad("too short");
  if (ref.length > kMaxValueBytes) return Bad("payload length out of range");
  const uint64_t checksums = PayloadChunks(ref.length);
  if (in.remaining() != extents * kExtentBytes + checksums * kChecksumBytes) {
    return Bad("extents and checksums do not fill it");
  }
  ref.extents.reserve(extents);
  for (uint64_t i = 0; i < extents; ++i) {
    const SlotId first(in.U64());
    ref.extents.push_back({first, SlotCount(in.U64())});
  }
  ref.chunk_checksums.reserve(checksums);
  for (uint64_t i = 0; i < checksums; ++i) ref.chunk_checksums.push_back(in.U64());
  const char* fault = FindPayloadFault(ref);
  return fault == nullptr ? Status::Ok() : Bad(fault);
}

}  // namespace

std::string EncodeIndexEntry(const IndexEntry& entry) {
  std::string out;
  EncodeIndexEntryInto(&out, entry.written_by, entry.value);
  return out;
}

void EncodeIndexEntryInto(std::string* encoded, Version written_by, const StoredValue& value) {
  ByteWriter out(std::move(*encoded));
  out.U8(static_cast<uint8_t>((value.is_inline() ? kInline : kPayload) | (value.sha256 ? kHasSha256 : 0)));
  out.U64(written_by.value());
  if (value.sha256) out.Raw(AsStringView(*value.sha256));
  if (value.is_inline()) {
    const std::string& bytes = std::get<std::string>(value.data);
    RAWKV_CHECK(bytes.size() <= kMaxValueBytes, "inline value too long");
    out.Raw(bytes);
    *encoded = out.Take();
    return;
  }
  const PayloadRef& ref = std::get<PayloadRef>(value.data);
  const char* fault = FindPayloadFault(ref);
  RAWKV_CHECK(fault == nullptr, fault);
  out.U64(ref.write_id.value());
  out.U64(ref.length);
  out.U32(static_cast<uint32_t>(ref.extents.size()));
  for (const Extent& e : ref.extents) {
    out.U64(e.first.value());
    out.U64(e.count.value());
  }
  for (const uint64_t checksum : ref.chunk_checksums) out.U64(checksum);
  *encoded = out.Take();
}

Result<IndexEntry> DecodeIndexEntry(ConstBytes bytes) {
  ByteReader in(bytes);
  const uint8_t kind = in.U8();
  Result<IndexEntry> out = IndexEntry{.written_by = Version(in.U64()), .value = {}};
  StoredValue& value = out->value;
  if (kind & kHasSha256) {
    value.sha256.emplace();
    const ConstBytes raw = AsBytes(in.Raw(value.sha256->size()));
    std::copy(raw.begin(), raw.end(), value.sha256->begin());
  }
  if (!in.ok()) return Bad("too short");
  switch (kind & ~kHasSha256) {
    case kInline:
      if (in.remaining() > kMaxValueBytes) return Bad("inline value too long");
      value.data.emplace<std::string>(in.Raw(in.remaining()));
      return out;
    case kPayload:
      RAWKV_RETURN_IF_ERROR(DecodePayload(in, &value.data.emplace<PayloadRef>()));
      return out;
    default:
      return Bad("unknown kind");
  }
}

}  // namespace rawkv
