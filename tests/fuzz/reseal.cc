#include "tests/fuzz/reseal.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/checksum.h"
#include "base/endian.h"

namespace rawkv::fuzz {
namespace {

std::string Padded(ConstBytes bytes, size_t least) {
  std::string out(AsStringView(bytes));
  out.resize(std::max(out.size(), least));
  return out;
}

uint64_t ChecksumOf(std::string_view bytes, uint64_t seed = 0) {
  return Xxh3(AsBytes(bytes), seed);
}

}  // namespace

std::string ResealFile(ConstBytes file) {
  constexpr size_t kLengthAt = 12, kChecksumAt = 16, kPayloadAt = 24;
  std::string out = Padded(file, kPayloadAt);
  StoreLe<uint32_t>(&out[kLengthAt], static_cast<uint32_t>(out.size() - kPayloadAt));
  StoreLe<uint64_t>(&out[kChecksumAt], ChecksumOf(out.substr(0, kChecksumAt) + out.substr(kPayloadAt)));
  return out;
}

std::string ResealSuperblock(ConstBytes block) {
  constexpr size_t kChecksumAt = 16, kBytes = 4096;
  std::string out = Padded(block, kBytes).substr(0, kBytes);
  StoreLe<uint64_t>(&out[kChecksumAt], 0);
  StoreLe<uint64_t>(&out[kChecksumAt], ChecksumOf(out));
  return out;
}

std::string ResealExtentHeader(ConstBytes bytes) {
  constexpr size_t kChecksumAt = 8, kCoveredFrom = 16;
  std::string out = Padded(bytes, kCoveredFrom);
  StoreLe<uint64_t>(&out[kChecksumAt],
                    ChecksumOf(std::string_view(out).substr(kCoveredFrom), LoadLe<uint64_t>(out.data())));
  return out;
}

std::string ResealSegment(ConstBytes file) {
  constexpr size_t kHeaderBytes = 4096, kHeaderChecksumAt = 4088, kStoreUuidAt = 16, kUuidBytes = 16;
  constexpr uint32_t kFrameMagic = 0x46564b52;
  constexpr size_t kFrameHeaderBytes = 80, kStep = 64;
  constexpr size_t kPayloadBytesAt = 8, kOffsetAt = 32, kPrevAt = 40, kPayloadChecksumAt = 56,
                   kChecksumAt = 72;
  std::string out = Padded(file, kHeaderBytes);
  const std::string_view all = out;
  const uint64_t seed = ChecksumOf(all.substr(kStoreUuidAt, kUuidBytes));
  uint64_t previous = ChecksumOf(all.substr(0, kHeaderChecksumAt));
  StoreLe(&out[kHeaderChecksumAt], previous);
  for (uint64_t at = kHeaderBytes; at + kFrameHeaderBytes <= out.size();) {
    char* const head = out.data() + at;
    if (LoadLe<uint32_t>(head) != kFrameMagic) break;
    const uint64_t payload_bytes = LoadLe<uint32_t>(head + kPayloadBytesAt);
    StoreLe<uint64_t>(head + kOffsetAt, at);
    StoreLe<uint64_t>(head + kPrevAt, previous);
    StoreLe(head + kPayloadChecksumAt, ChecksumOf(all.substr(at + kFrameHeaderBytes, payload_bytes), seed));
    previous = ChecksumOf({head, kChecksumAt}, seed);
    StoreLe(head + kChecksumAt, previous);
    at += (kFrameHeaderBytes + payload_bytes + kStep - 1) / kStep * kStep;
  }
  return out;
}

}  // namespace rawkv::fuzz
