#include "wal/record_format.h"

#include "base/check.h"
#include "base/checksum.h"
#include "base/endian.h"

namespace rawkv {
namespace {

constexpr uint32_t kFrameMagic = 0x46564b52;  // "RKVF"
constexpr uint16_t kFrameFormat = 1;

constexpr size_t kMagicAt = 0;             // u32
constexpr size_t kKindAt = 4;              // u16
constexpr size_t kFormatAt = 6;            // u16
constexpr size_t kPayloadBytesAt = 8;      // u32
constexpr size_t kReserved32At = 12;       // u32, zero
constexpr size_t kVersionAt = 16;          // u64
constexpr size_t kLineageAt = 24;          // u64
constexpr size_t kOffsetAt = 32;           // u64
constexpr size_t kPrevChecksumAt = 40;     // u64
constexpr size_t kDurableThroughAt = 48;   // u64
constexpr size_t kPayloadChecksumAt = 56;  // u64
constexpr size_t kReserved64At = 64;       // u64, zero
constexpr size_t kChecksumAt = 72;         // u64, over all before it

static_assert(kReserved32At + sizeof(uint32_t) == kVersionAt);
static_assert(kPayloadChecksumAt + sizeof(uint64_t) == kReserved64At);
static_assert(kReserved64At + sizeof(uint64_t) == kChecksumAt);
static_assert(kChecksumAt + sizeof(uint64_t) == kFrameHeaderBytes);
static_assert(FramedBytes(0) == 128);

uint64_t HeaderChecksum(const char* header, uint64_t seed) {
  return Xxh3(AsBytes({header, kChecksumAt}), seed);
}

// Encoding guarantees this, and parsing checks it.
bool PayloadFitsKind(FrameKind kind, uint64_t payload_bytes) {
  return kind == FrameKind::kRecord ? payload_bytes >= kRecordTimeBytes : payload_bytes == 0;
}

uint64_t EncodeHeader(const FrameHeader& head, uint64_t seed, char* out) {
  StoreLe<uint32_t>(out + kMagicAt, kFrameMagic);
  StoreLe<uint16_t>(out + kKindAt, static_cast<uint16_t>(head.kind));
  StoreLe<uint16_t>(out + kFormatAt, kFrameFormat);
  StoreLe<uint32_t>(out + kPayloadBytesAt, head.payload_bytes);
  StoreLe<uint32_t>(out + kReserved32At, 0);
  StoreLe<uint64_t>(out + kVersionAt, head.version.value());
  StoreLe<uint64_t>(out + kLineageAt, head.lineage.value());
  StoreLe<uint64_t>(out + kOffsetAt, head.offset);
  StoreLe<uint64_t>(out + kPrevChecksumAt, head.prev_checksum);
  StoreLe<uint64_t>(out + kDurableThroughAt, head.durable_through.value());
  StoreLe<uint64_t>(out + kPayloadChecksumAt, head.payload_checksum);
  StoreLe<uint64_t>(out + kReserved64At, 0);
  const uint64_t checksum = HeaderChecksum(out, seed);
  StoreLe<uint64_t>(out + kChecksumAt, checksum);
  return checksum;
}

}  // namespace

uint64_t FrameSeed(const Uuid& store_uuid) {
  return Xxh3(store_uuid.bytes);
}

uint64_t AppendFrame(FrameHeader head, uint64_t seed, uint64_t time_unix_ms, ConstBytes body,
                     std::string* out) {
  const bool record = head.kind == FrameKind::kRecord;
  const uint64_t payload_bytes = record ? kRecordTimeBytes + body.size() : 0;
  RAWKV_CHECK(record || body.empty(), "a watermark carries no body");
  RAWKV_CHECK(payload_bytes <= UINT32_MAX, "a frame's length is a u32");
  RAWKV_CHECK(PayloadFitsKind(head.kind, payload_bytes), "payload does not fit the kind");

  const size_t begin = out->size();
  out->resize(begin + kFrameHeaderBytes);
  if (record) {
    char time[kRecordTimeBytes];
    StoreLe<uint64_t>(time, time_unix_ms);
    out->append(time, sizeof time);
    out->append(AsStringView(body));
  }
  head.payload_bytes = static_cast<uint32_t>(payload_bytes);
  head.payload_checksum = Xxh3(AsBytes({out->data() + begin + kFrameHeaderBytes, payload_bytes}), seed);
  const uint64_t checksum = EncodeHeader(head, seed, out->data() + begin);
  out->resize(begin + FramedBytes(payload_bytes));
  return checksum;
}

FrameParse ParseFrameHeader(ConstBytes bytes, uint64_t seed, FrameHeader* out) {
  if (bytes.size() < kFrameHeaderBytes) return FrameParse::kNone;
  const char* in = reinterpret_cast<const char*>(bytes.data());
  if (LoadLe<uint32_t>(in + kMagicAt) != kFrameMagic) return FrameParse::kNone;
  const uint64_t checksum = LoadLe<uint64_t>(in + kChecksumAt);
  if (checksum != HeaderChecksum(in, seed)) return FrameParse::kNone;
  if (LoadLe<uint16_t>(in + kFormatAt) > kFrameFormat) return FrameParse::kNewer;

  const uint16_t kind = LoadLe<uint16_t>(in + kKindAt);
  const uint32_t payload_bytes = LoadLe<uint32_t>(in + kPayloadBytesAt);
  const bool sound = LoadLe<uint16_t>(in + kFormatAt) == kFrameFormat &&
                     (kind == static_cast<uint16_t>(FrameKind::kRecord) ||
                      kind == static_cast<uint16_t>(FrameKind::kWatermark)) &&
                     PayloadFitsKind(static_cast<FrameKind>(kind), payload_bytes) &&
                     LoadLe<uint32_t>(in + kReserved32At) == 0 && LoadLe<uint64_t>(in + kReserved64At) == 0;
  if (!sound) return FrameParse::kNone;
  *out = {.kind = static_cast<FrameKind>(kind),
          .payload_bytes = payload_bytes,
          .version = Version(LoadLe<uint64_t>(in + kVersionAt)),
          .lineage = Lineage(LoadLe<uint64_t>(in + kLineageAt)),
          .offset = LoadLe<uint64_t>(in + kOffsetAt),
          .prev_checksum = LoadLe<uint64_t>(in + kPrevChecksumAt),
          .durable_through = Version(LoadLe<uint64_t>(in + kDurableThroughAt)),
          .payload_checksum = LoadLe<uint64_t>(in + kPayloadChecksumAt),
          .checksum = checksum};
  return FrameParse::kValid;
}

bool OnChain(const LineageChain& chain, const FrameHeader& frame) {
  if (chain.Contains(frame.lineage, frame.version)) return true;
  return frame.kind == FrameKind::kWatermark && chain.Contains(frame.lineage, Next(frame.version));
}

}  // namespace rawkv
