#include "blockdev/device_users.h"

#include <fcntl.h>
#include <libmount.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <system_error>
#include <vector>

#include "base/unique_fd.h"
#include "blockdev/device_fd.h"

namespace rawkv {

namespace {

namespace stdfs = std::filesystem;

std::string SysBlockPath(dev_t device) {
  return "/sys/dev/block/" + std::to_string(major(device)) + ":" + std::to_string(minor(device));
}

// The names in a directory; empty if it cannot be read.
std::vector<std::string> Names(const std::string& dir) {
  std::vector<std::string> out;
  std::error_code error;
  for (stdfs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    out.push_back(it->path().filename().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<dev_t> ParseDevice(const std::string& text) {
  unsigned major_number = 0;
  unsigned minor_number = 0;
  char colon = 0;
  std::istringstream in(text);
  if (!(in >> major_number >> colon >> minor_number) || colon != ':') return std::nullopt;
  return makedev(major_number, minor_number);
}

// The device and its partitions.
std::vector<dev_t> WithPartitions(dev_t device) {
  std::vector<dev_t> out{device};
  const std::string dir = SysBlockPath(device);
  for (const std::string& name : Names(dir)) {
    if (!std::ifstream(dir + "/" + name + "/partition")) continue;
    std::string numbers;
    std::ifstream(dir + "/" + name + "/dev") >> numbers;
    if (const auto partition = ParseDevice(numbers)) out.push_back(*partition);
  }
  return out;
}

bool Contains(const std::vector<dev_t>& devices, dev_t device) {
  return std::find(devices.begin(), devices.end(), device) != devices.end();
}

bool IsOneOf(const std::vector<dev_t>& devices, const std::string& path) {
  struct stat info {};
  // A source such as "tmpfs" is not a path, and stat must not search for it in the working directory.
  return path.starts_with('/') && ::stat(path.c_str(), &info) == 0 && S_ISBLK(info.st_mode) &&
         Contains(devices, info.st_rdev);
}

struct FreeMountTable {
  void operator()(libmnt_table* table) const { mnt_unref_table(table); }
};
using MountTable = std::unique_ptr<libmnt_table, FreeMountTable>;

// Calls fn(entry) for each entry of the table until one answers true; returns that entry.
template <typename Fn>
libmnt_fs* FindEntry(libmnt_table* table, const Fn& fn) {
  const std::unique_ptr<libmnt_iter, decltype(&mnt_free_iter)> at(mnt_new_iter(MNT_ITER_FORWARD),
                                                                  &mnt_free_iter);
  libmnt_fs* entry = nullptr;
  while (at != nullptr && mnt_table_next_fs(table, at.get(), &entry) == 0) {
    if (fn(entry)) return entry;
  }
  return nullptr;
}

std::string SourceOf(libmnt_fs* entry) {
  const char* const source = mnt_fs_get_source(entry);
  return source == nullptr ? "" : source;
}

// Where one of the devices is mounted; empty if nowhere. A mount names its device twice: btrfs and
// other filesystems of several devices give a number of their own, and only the source shows it.
std::string MountPointOf(const std::vector<dev_t>& devices) {
  const MountTable mounts(mnt_new_table_from_file("/proc/self/mountinfo"));
  if (mounts == nullptr) return {};
  libmnt_fs* const found = FindEntry(mounts.get(), [&](libmnt_fs* entry) {
    return Contains(devices, mnt_fs_get_devno(entry)) || IsOneOf(devices, SourceOf(entry));
  });
  return found == nullptr ? "" : mnt_fs_get_target(found);
}

bool SameFile(const std::string& path, const struct stat& info) {
  struct stat other {};
  return ::stat(path.c_str(), &other) == 0 && other.st_dev == info.st_dev && other.st_ino == info.st_ino;
}

bool IsSwap(const std::vector<dev_t>& devices, const struct stat& info) {
  const MountTable swaps(mnt_new_table());
  if (swaps == nullptr || mnt_table_parse_swaps(swaps.get(), nullptr) != 0) return false;
  return FindEntry(swaps.get(), [&](libmnt_fs* entry) {
           const std::string path = SourceOf(entry);
           return IsOneOf(devices, path) || (S_ISREG(info.st_mode) && SameFile(path, info));
         }) != nullptr;
}

// The device that device-mapper, md or a similar driver has stacked on one of the devices; empty if there is
// none.
std::string HolderOf(const std::vector<dev_t>& devices) {
  for (const dev_t device : devices) {
    for (const std::string& name : Names(SysBlockPath(device) + "/holders")) return name;
  }
  return {};
}

// The loop device that uses the file; empty if there is none. LOOP_GET_STATUS64 gives an exact answer, but
// needs permission to open the loop device. The path in /sys needs none, and serves if the ioctl fails.
std::string LoopDeviceOver(const struct stat& info) {
  for (const std::string& name : Names("/sys/block")) {
    const std::string backing_file = "/sys/block/" + name + "/loop/backing_file";
    std::ifstream in(backing_file);
    std::string backing;
    if (!name.starts_with("loop") || !std::getline(in, backing)) continue;
    loop_info64 loop{};
    const UniqueFd fd = OpenUninterrupted("/dev/" + name, O_RDONLY | O_NONBLOCK);
    const bool known = fd.valid() && ::ioctl(fd.get(), LOOP_GET_STATUS64, &loop) == 0;
    const bool same =
        known ? loop.lo_device == info.st_dev && loop.lo_inode == info.st_ino : SameFile(backing, info);
    if (same) return name;
  }
  return {};
}

Status Refuse(const std::string& path, const std::string& found, const std::string& remedy) {
  return Status::FailedPrecondition(path + ": " + found + "; " + remedy);
}

// Finds users that /proc and /sys do not show (another mount namespace, an open store): they hold the device
// open exclusively, or its lock. Takes both for a moment and releases them.
Status CheckExclusiveOpen(const std::string& path, const struct stat& info) {
  const bool block = S_ISBLK(info.st_mode);
  const UniqueFd fd = OpenUninterrupted(path, O_RDONLY | (block ? O_EXCL : 0));
  if (!fd.valid()) {
    if (errno == EBUSY) return Refuse(path, "another program or mount holds it", "stop its user first");
    return Status::FromErrno(errno, "open of " + path);
  }
  const Status locked = LockDeviceFd(fd.get(), path);
  return locked.code() == StatusCode::kBusy ? Status::FailedPrecondition(locked.message()) : locked;
}

}  // namespace

Status CheckDeviceIsUnused(const std::string& path, const struct stat& info) {
  const std::vector<dev_t> devices =
      S_ISBLK(info.st_mode) ? WithPartitions(info.st_rdev) : std::vector<dev_t>();
  if (const std::string at = MountPointOf(devices); !at.empty()) {
    return Refuse(path, "it, or a partition of it, is mounted at " + at, "unmount it first");
  }
  if (IsSwap(devices, info)) {
    return Refuse(path, "it, or a partition of it, is used as swap", "swapoff it first");
  }
  if (const std::string holder = HolderOf(devices); !holder.empty()) {
    return Refuse(path, "held by " + holder + " (LVM, RAID or encryption)", "release it first");
  }
  if (S_ISREG(info.st_mode)) {
    if (const std::string loop = LoopDeviceOver(info); !loop.empty()) {
      return Refuse(path, "in use as the backing file of /dev/" + loop,
                    "detach it first, or use /dev/" + loop);
    }
  }
  return CheckExclusiveOpen(path, info);
}

}  // namespace rawkv
