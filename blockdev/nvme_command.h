#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "blockdev/block_device.h"

struct nvme_uring_cmd;  // <linux/nvme_ioctl.h>

// NVMe commands and the structures that a drive describes itself with, as pure functions. Sources: NVM
// Express Base Specification 2.0 and NVM Command Set Specification 1.0.
namespace rawkv {

// A namespace, as far as commands need to know it.
struct NvmeTarget {
  uint32_t namespace_id = 0;
  uint32_t block_bytes = 512;     // the logical block: a power of two, 512 to kBlockAlign
  uint64_t transfer_bytes = 0;    // of one read or write: at least kBlockAlign, and a multiple of it
  uint64_t deallocate_bytes = 0;  // of one deallocate: a multiple of kBlockAlign
};

enum class NvmeFua : uint8_t { kNo, kYes };  // yes: the write is durable when it completes

// Encodes a read or a write of the whole buffer, which the drive transfers directly. Offset and length must
// be multiples of the block, and the length at most `transfer_bytes`.
nvme_uring_cmd EncodeNvmeTransfer(const NvmeTarget& target, IoKind kind, DeviceOffset offset, Bytes buffer,
                                  NvmeFua fua);
// Encodes a flush of the namespace's volatile write cache.
nvme_uring_cmd EncodeNvmeFlush(const NvmeTarget& target);

// The list of ranges that a deallocate command passes to the drive; here always one. Must stay alive until
// the command has completed.
struct NvmeRange {
  uint8_t bytes[16];
};
NvmeRange EncodeNvmeRange(const NvmeTarget& target, DeviceOffset offset, uint64_t length);
// Encodes a dataset management command that deallocates the range: its content is no longer needed. At most
// 2^32 - 1 blocks.
nvme_uring_cmd EncodeNvmeDeallocate(const NvmeTarget& target, NvmeRange& range);

// The structures that an identify command returns (its CNS field), each of kNvmeIdentifyBytes.
enum class NvmeIdentify : uint8_t { kNamespace = 0x00, kController = 0x01, kDescriptors = 0x03 };
inline constexpr size_t kNvmeIdentifyBytes = 4096;
// Encodes an identify command. `out` has kNvmeIdentifyBytes; the namespace is ignored for the controller.
nvme_uring_cmd EncodeNvmeIdentify(NvmeIdentify what, uint32_t namespace_id, Bytes out);

struct NvmeController {
  std::string model;                  // without padding; unprintable bytes are '?'
  uint8_t transfer_shift = 0;         // MDTS: at most 4096 << shift bytes a command; 0: no limit
  bool volatile_write_cache = false;  // VWC: writes are durable only after a flush
  bool deallocates = false;           // ONCS: dataset management is supported
};
// kCorruption if there are fewer than kNvmeIdentifyBytes.
Result<NvmeController> ParseNvmeController(ConstBytes bytes);

struct NvmeNamespace {
  uint64_t size_bytes = 0;
  uint32_t block_bytes = 0;     // a power of two, at least 512
  uint32_t metadata_bytes = 0;  // a block
  uint8_t protection_type = 0;  // 0: none
  bool write_protected = false;
};
// kCorruption if there are fewer than kNvmeIdentifyBytes, or the format in use is not in the list or has an
// impossible block or size. kNotSupported: the namespace is inactive (all zero).
Result<NvmeNamespace> ParseNvmeNamespace(ConstBytes bytes);

// The command set of a namespace by its identification descriptors: 0 NVM (blocks), 1 key value, 2 zoned.
// Absent: the list does not name it, as in drives of NVMe 1.x, which have only the NVM command set.
std::optional<uint8_t> ParseNvmeCommandSet(ConstBytes bytes);

// kNotSupported with the cause and the remedy, if rawkv cannot store payload in such a namespace: metadata or
// protection information in the format, or a block that does not divide kBlockAlign. `path` is for the
// message.
Status CheckNvmeFormat(const NvmeNamespace& space, const std::string& path);

// The bounds of the kernel's queue for one command. 0: not known, except for max_transfer_bytes and
// max_segments, where it is a limit of zero.
struct NvmeQueueLimits {
  uint64_t max_transfer_bytes = 0;
  uint64_t max_segments = 0;
  uint64_t max_discard_bytes = 0;
  bool zoned = false;  // writes must be sequential within zones
};
// The most bytes of one read or write command: the least of the kernel's limits, the drive's, and the 65,536
// blocks that a command can name; rounded down to kBlockAlign. A segment counts as kBlockAlign, since a
// buffer need not be aligned to more. kNotSupported: a command cannot transfer kBlockAlign bytes.
Result<uint64_t> NvmeTransferLimit(const NvmeQueueLimits& limits, const NvmeController& controller,
                                   uint32_t block_bytes, const std::string& path);
// The most bytes of one deallocate command, a multiple of kBlockAlign.
uint64_t NvmeDeallocateLimit(const NvmeQueueLimits& limits, uint32_t block_bytes);

}  // namespace rawkv
