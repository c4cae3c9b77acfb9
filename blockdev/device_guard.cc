#include "blockdev/device_guard.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/unique_fd.h"
#include "blockdev/device_fd.h"
#include "blockdev/device_users.h"
#include "blockdev/nvme_node.h"
#include "blockdev/superblock.h"

namespace rawkv {

namespace {

constexpr char kRemedy[] = "; use --force to overwrite it";

struct FreeProbe {
  void operator()(blkid_struct_probe* probe) const { blkid_free_probe(probe); }
};

std::string Value(blkid_probe probe, const char* name) {
  const char* text = nullptr;
  return blkid_probe_lookup_value(probe, name, &text, nullptr) == 0 && text != nullptr ? text : "";
}

// Describes the first signature that libblkid finds on the device; empty if there is none. One is enough,
// since any signature is a reason to refuse. A signature with a bad checksum counts, since there may still be
// data.
Result<std::string> FindSignature(int fd, const std::string& path) {
  const std::unique_ptr<blkid_struct_probe, FreeProbe> probe(blkid_new_probe());
  if (probe == nullptr || blkid_probe_set_device(probe.get(), fd, 0, 0) != 0) {
    return Status::IoError(path + ": libblkid cannot read it for signatures");
  }
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(),
                                    BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE | BLKID_SUBLKS_BADCSUM);
  blkid_probe_enable_partitions(probe.get(), 1);
  const int result = blkid_do_probe(probe.get());
  if (result < 0) return Status::IoError(path + ": libblkid failed to read it for signatures");
  if (result > 0) return std::string();

  if (const std::string table = Value(probe.get(), "PTTYPE"); !table.empty()) {
    return "a partition table (" + table + ")";
  }
  const std::string type = Value(probe.get(), "TYPE");
  const std::string usage = Value(probe.get(), "USAGE");
  if (usage == "filesystem") return "a filesystem (" + type + ")";
  if (usage == "raid") return "a member of a RAID or volume group (" + type + ")";
  return type.empty() ? std::string("an unknown signature") : "a signature (" + type + ")";
}

// Reads out.size() bytes, or fewer at the end. Retries short reads, so that an unread part never counts as
// empty.
Result<size_t> ReadAll(int fd, uint64_t offset, Bytes out) {
  constexpr int kMaxRetries = 100;
  size_t done = 0;
  for (int retries = 0; done < out.size();) {
    const ssize_t got = ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got == 0) break;
    if (got > 0) {
      done += static_cast<size_t>(got);
      retries = 0;
    } else if ((errno != EINTR && errno != EAGAIN) || ++retries > kMaxRetries) {
      return Status::FromErrno(errno, "read at offset " + std::to_string(offset));
    }
  }
  return done;
}

Result<std::string> FindRawkvStore(int fd, const std::string& path) {
  for (const uint64_t offset : {uint64_t{0}, kSuperblockBytes}) {
    std::array<std::byte, kSuperblockBytes> block{};
    const Result<size_t> got = ReadAll(fd, offset, block);
    if (!got.ok()) return got.status().WithContext(path);
    if (!HasSuperblockMagic(ConstBytes(block).first(*got))) continue;
    const Result<Superblock> superblock = DecodeSuperblock(block);
    if (!superblock.ok()) return std::string("a damaged or newer rawkv superblock");
    return "a rawkv store (store " + superblock->store_uuid.ToString() + ", device " +
           superblock->device_uuid.ToString() + ")";
  }
  return std::string();
}

Status CheckFileOrBlock(const std::string& path, const struct stat& info, SignaturePolicy policy) {
  RAWKV_RETURN_IF_ERROR(CheckDeviceIsUnused(path, info));
  if (policy == SignaturePolicy::kOverwrite) return Status::Ok();
  if (S_ISREG(info.st_mode) && info.st_size == 0) return Status::Ok();  // libblkid refuses empty files

  const UniqueFd fd = OpenUninterrupted(path, O_RDONLY);
  if (!fd.valid()) return Status::FromErrno(errno, "open of " + path);
  // NVMe commands write past the page cache, which may hold older blocks as long as any program has the block
  // device open. An error leaves the cache as it is.
  static_cast<void>(::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED));
  RAWKV_ASSIGN_OR_RETURN(std::string found, FindRawkvStore(fd.get(), path));
  if (found.empty()) {
    RAWKV_ASSIGN_OR_RETURN(found, FindSignature(fd.get(), path));
  }
  return found.empty() ? Status::Ok() : Status::FailedPrecondition(path + ": holds " + found + kRemedy);
}

}  // namespace

Status CheckDeviceMayBeFormatted(const std::string& path, SignaturePolicy policy) {
  std::string checked = path;
  struct stat info {};
  if (::stat(checked.c_str(), &info) != 0) return Status::FromErrno(errno, "stat of " + checked);
  const Result<DeviceKind> kind = DeviceKindOf(info.st_mode, info.st_rdev, path);
  if (!kind.ok()) return Status::FailedPrecondition(kind.status().message());
  if (*kind == DeviceKind::kNvmeChar) {
    RAWKV_ASSIGN_OR_RETURN(checked, NvmeBlockPathOf(path));
    if (::stat(checked.c_str(), &info) != 0) return Status::FromErrno(errno, "stat of " + checked);
  }
  return CheckFileOrBlock(checked, info, policy);
}

}  // namespace rawkv
