#pragma once

#include <string>

#include "base/fs.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "blockdev/nvme_command.h"

namespace rawkv {

// An open NVMe character device (/dev/ngXnY), and what the kernel reports about its namespace.
struct NvmeNode {
  UniqueFd fd;
  // The namespace's block device, open with O_EXCL, so that nobody mounts it or opens it exclusively. Not
  // valid for an open that only reads.
  UniqueFd exclusive;
  bool writable = false;
  NvmeQueueLimits limits;
  FileId file_id{};
};

// Opens the character device. A writable open locks it, and holds the block device of the namespace
// exclusively. kBusy if another user holds either. kFailedPrecondition if the block device cannot be found,
// since nothing else keeps others from mounting it. kInvalidArgument: not an NVMe character device.
Result<NvmeNode> OpenNvmeNode(const std::string& path, bool writable);

// The block device of the namespace of the NVMe character device `path`: /dev/nvme0n1 for /dev/ng0n1.
// kFailedPrecondition if there is no such node, or a node of that name that is another device.
Result<std::string> NvmeBlockPathOf(const std::string& path);

// Reads the bounds from a directory of the kernel (/sys/block/nvme0n1/queue). Files that cannot be read count
// as 0.
NvmeQueueLimits ReadNvmeQueueLimits(const std::string& directory);

// Advice for a user who names `path` with the engine nvme although it is another kind of file: the character
// device of the same namespace, if there is one.
std::string NvmeEngineAdvice(const std::string& path, DeviceKind kind);

}  // namespace rawkv
