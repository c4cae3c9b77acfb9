#include "blockdev/nvme_command.h"

#include <linux/nvme_ioctl.h>

#include <algorithm>

#include "base/check.h"
#include "base/endian.h"

namespace rawkv {
namespace {

// Opcodes of the NVM command set, and of the admin commands.
constexpr uint8_t kOpFlush = 0x00;
constexpr uint8_t kOpWrite = 0x01;
constexpr uint8_t kOpRead = 0x02;
constexpr uint8_t kOpDatasetManagement = 0x09;
constexpr uint8_t kOpIdentify = 0x06;

constexpr uint32_t kForceUnitAccess = 1u << 30;  // cdw12
constexpr uint32_t kDeallocate = 1u << 2;        // cdw11 of dataset management
constexpr uint64_t kMaxBlocks = 65536;           // the zero-based count has 16 bits

// Offsets in the identify controller structure: MN, MDTS, ONCS, VWC.
constexpr size_t kModelAt = 24;
constexpr size_t kModelBytes = 40;
constexpr size_t kTransferShiftAt = 77;
constexpr size_t kOptionalCommandsAt = 520;
constexpr size_t kWriteCacheAt = 525;

// Offsets in the identify namespace structure: NSZE, NLBAF, FLBAS, DPS, NSATTR, LBAF0.
constexpr size_t kSizeAt = 0;
constexpr size_t kFormatCountAt = 25;
constexpr size_t kFormatInUseAt = 26;
constexpr size_t kProtectionAt = 29;
constexpr size_t kAttributesAt = 99;
constexpr size_t kFormatsAt = 128;
constexpr size_t kFormatBytes = 4;
constexpr size_t kMaxFormats = 64;

constexpr uint8_t kCommandSetDescriptor = 0x04;

constexpr uint64_t kMaxDeallocateBytes = 1ull << 30;  // bounds the time of one command

uint8_t ByteAt(ConstBytes bytes, size_t at) {
  return std::to_integer<uint8_t>(bytes[at]);
}

Status TooShort(const char* what, ConstBytes bytes) {
  return Status::Corruption(std::string("identify ") + what + ": " + std::to_string(bytes.size()) +
                            " bytes instead of " + std::to_string(kNvmeIdentifyBytes));
}

}  // namespace

nvme_uring_cmd EncodeNvmeTransfer(const NvmeTarget& target, IoKind kind, DeviceOffset offset, Bytes buffer,
                                  NvmeFua fua) {
  const uint64_t block = target.block_bytes;
  RAWKV_CHECK(!buffer.empty() && buffer.size() % block == 0 && offset.value() % block == 0,
              "an NVMe command transfers whole blocks");
  RAWKV_CHECK(buffer.size() <= kMaxBlocks * block, "an NVMe command transfers at most 65,536 blocks");
  const uint64_t first = offset.value() / block;
  nvme_uring_cmd command{};
  command.opcode = kind == IoKind::kRead ? kOpRead : kOpWrite;
  command.nsid = target.namespace_id;
  command.addr = reinterpret_cast<uintptr_t>(buffer.data());
  command.data_len = static_cast<uint32_t>(buffer.size());
  command.cdw10 = static_cast<uint32_t>(first);
  command.cdw11 = static_cast<uint32_t>(first >> 32);
  command.cdw12 = static_cast<uint32_t>(buffer.size() / block - 1) |
                  (kind == IoKind::kWrite && fua == NvmeFua::kYes ? kForceUnitAccess : 0);
  return command;
}

nvme_uring_cmd EncodeNvmeFlush(const NvmeTarget& target) {
  nvme_uring_cmd command{};
  command.opcode = kOpFlush;
  command.nsid = target.namespace_id;
  return command;
}

NvmeRange EncodeNvmeRange(const NvmeTarget& target, DeviceOffset offset, uint64_t length) {
  const uint64_t blocks = length / target.block_bytes;
  RAWKV_CHECK(length % target.block_bytes == 0 && offset.value() % target.block_bytes == 0,
              "an NVMe range consists of whole blocks");
  RAWKV_CHECK(blocks > 0 && blocks <= UINT32_MAX, "an NVMe range has at most 2^32 - 1 blocks");
  NvmeRange range{};  // context attributes, length in blocks, first block
  StoreLe(range.bytes + 4, static_cast<uint32_t>(blocks));
  StoreLe<uint64_t>(range.bytes + 8, offset.value() / target.block_bytes);
  return range;
}

nvme_uring_cmd EncodeNvmeDeallocate(const NvmeTarget& target, NvmeRange& range) {
  nvme_uring_cmd command{};
  command.opcode = kOpDatasetManagement;
  command.nsid = target.namespace_id;
  command.addr = reinterpret_cast<uintptr_t>(range.bytes);
  command.data_len = sizeof(range.bytes);
  command.cdw10 = 0;  // the zero-based number of ranges
  command.cdw11 = kDeallocate;
  return command;
}

nvme_uring_cmd EncodeNvmeIdentify(NvmeIdentify what, uint32_t namespace_id, Bytes out) {
  RAWKV_CHECK(out.size() == kNvmeIdentifyBytes, "identify returns 4096 bytes");
  nvme_uring_cmd command{};
  command.opcode = kOpIdentify;
  command.nsid = what == NvmeIdentify::kController ? 0 : namespace_id;
  command.addr = reinterpret_cast<uintptr_t>(out.data());
  command.data_len = static_cast<uint32_t>(out.size());
  command.cdw10 = static_cast<uint32_t>(what);
  return command;
}

Result<NvmeController> ParseNvmeController(ConstBytes bytes) {
  if (bytes.size() < kNvmeIdentifyBytes) return TooShort("controller", bytes);
  NvmeController out;
  for (const char c : AsStringView(bytes.subspan(kModelAt, kModelBytes))) {
    out.model += c >= ' ' && c <= '~' ? c : '?';
  }
  out.model.erase(out.model.find_last_not_of(' ') + 1);
  out.transfer_shift = ByteAt(bytes, kTransferShiftAt);
  out.volatile_write_cache = (ByteAt(bytes, kWriteCacheAt) & 1) != 0;
  out.deallocates = (ByteAt(bytes, kOptionalCommandsAt) >> 2 & 1) != 0;
  return out;
}

Result<NvmeNamespace> ParseNvmeNamespace(ConstBytes bytes) {
  if (bytes.size() < kNvmeIdentifyBytes) return TooShort("namespace", bytes);
  const uint64_t blocks = LoadLe<uint64_t>(bytes.data() + kSizeAt);
  if (blocks == 0) return Status::NotSupported("identify namespace: the namespace is not active");
  // Bits 3:0 and 6:5. The upper bits are zero where a drive has at most 16 formats.
  const uint8_t in_use = ByteAt(bytes, kFormatInUseAt);
  const size_t index = (in_use & 0xf) | (in_use >> 5 & 0x3) << 4;
  const size_t count = size_t{ByteAt(bytes, kFormatCountAt)} + 1;
  if (index >= count || count > kMaxFormats) {
    return Status::Corruption("identify namespace: format " + std::to_string(index) + " is in use, of " +
                              std::to_string(count));
  }
  const ConstBytes format = bytes.subspan(kFormatsAt + index * kFormatBytes, kFormatBytes);
  const uint8_t block_shift = ByteAt(format, 2);
  if (block_shift < 9 || block_shift > 31 || blocks > UINT64_MAX >> block_shift) {
    return Status::Corruption("identify namespace: " + std::to_string(blocks) + " blocks of 2^" +
                              std::to_string(block_shift) + " bytes are impossible");
  }
  return NvmeNamespace{.size_bytes = blocks << block_shift,
                       .block_bytes = 1u << block_shift,
                       .metadata_bytes = LoadLe<uint16_t>(format.data()),
                       .protection_type = static_cast<uint8_t>(ByteAt(bytes, kProtectionAt) & 0x7),
                       .write_protected = (ByteAt(bytes, kAttributesAt) & 1) != 0};
}

std::optional<uint8_t> ParseNvmeCommandSet(ConstBytes bytes) {
  // Each descriptor: type, length, two reserved bytes, and `length` bytes. A length of zero ends the list.
  while (bytes.size() > 4) {
    const uint8_t type = ByteAt(bytes, 0);
    const size_t length = ByteAt(bytes, 1);
    if (length == 0 || length > bytes.size() - 4) break;
    if (type == kCommandSetDescriptor) return ByteAt(bytes, 4);
    bytes = bytes.subspan(4 + length);
  }
  return std::nullopt;
}

Status CheckNvmeFormat(const NvmeNamespace& space, const std::string& path) {
  std::string problem;
  if (space.metadata_bytes != 0) {
    problem = std::to_string(space.metadata_bytes) + " bytes of metadata with each block";
  } else if (space.protection_type != 0) {
    problem = "protection information of type " + std::to_string(space.protection_type);
  } else if (kBlockAlign % space.block_bytes != 0) {
    problem = "blocks of " + std::to_string(space.block_bytes) + " bytes";
  }
  if (problem.empty()) return Status::Ok();
  return Status::NotSupported(
      path + ": the namespace is formatted with " + problem +
      ", which rawkv does not support; format it with blocks of 512 or 4096 bytes and "
      "without metadata (nvme format)");
}

Result<uint64_t> NvmeTransferLimit(const NvmeQueueLimits& limits, const NvmeController& controller,
                                   uint32_t block_bytes, const std::string& path) {
  uint64_t bytes = std::min(limits.max_transfer_bytes, kMaxBlocks * block_bytes);
  bytes = std::min(bytes, std::min(limits.max_segments, kMaxBlocks) * kBlockAlign);
  // The drive counts in its smallest page, which is 4096 bytes or more. 2^20 pages exceed the other limits.
  if (controller.transfer_shift > 0 && controller.transfer_shift < 20) {
    bytes = std::min(bytes, uint64_t{4096} << controller.transfer_shift);
  }
  bytes = bytes / kBlockAlign * kBlockAlign;
  if (bytes > 0) return bytes;
  return Status::NotSupported(path + ": a command cannot transfer " + std::to_string(kBlockAlign) +
                              " bytes: the kernel allows " + std::to_string(limits.max_transfer_bytes) +
                              " bytes in " + std::to_string(limits.max_segments) +
                              " segments; use the block device of the namespace");
}

uint64_t NvmeDeallocateLimit(const NvmeQueueLimits& limits, uint32_t block_bytes) {
  uint64_t bytes = std::min(kMaxDeallocateBytes, uint64_t{UINT32_MAX} * block_bytes);
  if (limits.max_discard_bytes > 0) bytes = std::min(bytes, limits.max_discard_bytes);
  return std::max<uint64_t>(bytes / kBlockAlign * kBlockAlign, kBlockAlign);
}

}  // namespace rawkv
