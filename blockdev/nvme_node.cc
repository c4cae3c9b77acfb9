#include "blockdev/nvme_node.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <regex>
#include <system_error>

#include "base/fs_ops.h"
#include "base/resolve_path.h"
#include "blockdev/device_fd.h"

namespace rawkv {
namespace {

namespace stdfs = std::filesystem;

std::string Numbers(dev_t device) {
  return std::to_string(major(device)) + ":" + std::to_string(minor(device));
}

// "nvme0n1" for the character device ng0n1, by the kernel's name of the device and not by that of the node.
std::string BlockNameOf(dev_t character_device) {
  std::error_code error;
  const stdfs::path link = stdfs::read_symlink("/sys/dev/char/" + Numbers(character_device), error);
  const std::string name = link.filename().string();
  return error || !name.starts_with("ng") ? std::string() : "nvme" + name.substr(2);
}

Result<struct stat> StatNvmeNode(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Status::FromErrno(errno, "open of " + path);
  RAWKV_ASSIGN_OR_RETURN(const DeviceKind kind, DeviceKindOf(info.st_mode, info.st_rdev, path));
  if (kind == DeviceKind::kNvmeChar) return info;
  return Status::InvalidArgument(path + ": is not an NVMe character device");
}

uint64_t NumberIn(const std::string& file) {
  uint64_t number = 0;
  return std::ifstream(file) >> number ? number : 0;
}

Result<UniqueFd> OpenExclusively(const std::string& path, const std::string& block_path) {
  UniqueFd fd = OpenUninterrupted(block_path, O_RDONLY | O_EXCL);
  if (fd.valid()) return fd;
  if (errno == EBUSY) {
    return Status::Busy(path + ": " + block_path +
                        " is mounted or in use by another program; stop its user first");
  }
  return Status::FromErrno(errno, "open of " + block_path + ", to hold it exclusively");
}

}  // namespace

Result<std::string> NvmeBlockPathOf(const std::string& path) {
  RAWKV_ASSIGN_OR_RETURN(const struct stat info, StatNvmeNode(path));
  const std::string name = BlockNameOf(info.st_rdev);
  std::string numbers;
  std::ifstream("/sys/class/block/" + name + "/dev") >> numbers;
  if (name.empty() || numbers.empty()) {
    return Status::FailedPrecondition(path +
                                      ": the kernel has no block device for this namespace, so that its "
                                      "users cannot be found");
  }
  const std::string next_to_it = JoinPath(ParentPath(ResolvePath(PosixFs(), path)), name);
  for (const std::string& candidate : {next_to_it, "/dev/" + name}) {
    struct stat block {};
    if (::stat(candidate.c_str(), &block) == 0 && S_ISBLK(block.st_mode) &&
        Numbers(block.st_rdev) == numbers) {
      return candidate;
    }
  }
  return Status::FailedPrecondition(path + ": " + next_to_it +
                                    " is not its block device, by which its users "
                                    "are found; make that node, too");
}

NvmeQueueLimits ReadNvmeQueueLimits(const std::string& directory) {
  std::string zoned;
  std::ifstream(directory + "/zoned") >> zoned;
  return {.max_transfer_bytes = NumberIn(directory + "/max_hw_sectors_kb") * 1024,
          .max_segments = NumberIn(directory + "/max_segments"),
          .max_discard_bytes = NumberIn(directory + "/discard_max_hw_bytes"),
          .zoned = !zoned.empty() && zoned != "none"};
}

Result<NvmeNode> OpenNvmeNode(const std::string& path, bool writable) {
  RAWKV_ASSIGN_OR_RETURN(const struct stat info, StatNvmeNode(path));
  NvmeNode node{.fd = OpenUninterrupted(path, writable ? O_RDWR : O_RDONLY), .writable = writable};
  if (!node.fd.valid()) return Status::FromErrno(errno, "open of " + path);
  struct stat now {};
  if (::fstat(node.fd.get(), &now) != 0) return Status::FromErrno(errno, "stat of " + path);
  if (now.st_ino != info.st_ino || now.st_dev != info.st_dev || now.st_rdev != info.st_rdev) {
    return Status::Busy(path + ": replaced while rawkv opened it; try again");
  }
  if (writable) {
    RAWKV_RETURN_IF_ERROR(LockDeviceFd(node.fd.get(), path));
    RAWKV_ASSIGN_OR_RETURN(const std::string block_path, NvmeBlockPathOf(path));
    RAWKV_ASSIGN_OR_RETURN(node.exclusive, OpenExclusively(path, block_path));
  }
  node.limits = ReadNvmeQueueLimits("/sys/class/block/" + BlockNameOf(now.st_rdev) + "/queue");
  node.file_id = {.filesystem = now.st_dev, .inode = now.st_ino};
  return node;
}

std::string NvmeEngineAdvice(const std::string& path, DeviceKind kind) {
  if (kind == DeviceKind::kBlockDevice) {
    const std::string resolved = ResolvePath(PosixFs(), path);
    std::smatch parts;
    if (std::regex_match(resolved, parts, std::regex("(.*/)nvme([0-9]+n[0-9]+)(p[0-9]+)?"))) {
      const std::string node = parts[1].str() + "ng" + parts[2].str();
      return parts[3].matched ? "a partition; use the engine io_uring, or the whole namespace as " + node
                              : "a block device; use " + node + " for the engine nvme";
    }
    return "a block device without NVMe commands; use the engine io_uring";
  }
  return "not an NVMe character device (/dev/ngXnY); use the engine auto";
}

}  // namespace rawkv
