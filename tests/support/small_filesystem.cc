#include "tests/support/small_filesystem.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/unique_fd.h"

namespace rawkv {
namespace {

Status Failed(const std::string& what) {
  return Status::NotSupported(what + ": " + std::strerror(errno));
}

uint64_t FreeBytes(const std::string& path) {
  struct statvfs st {};
  return ::statvfs(path.c_str(), &st) == 0 ? st.f_bavail * st.f_frsize : 0;
}

}  // namespace

// A mount namespace of the process: the kernel unmounts everything in it when the process ends.
Status SmallFilesystem::PrepareProcess() {
  static const Status prepared = []() -> Status {
    if (::geteuid() != 0) return Status::NotSupported("mounting a filesystem needs root");
    if (::unshare(CLONE_NEWNS) != 0) return Failed("a mount namespace");
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return Failed("private mounts");
    return {};
  }();
  return prepared;
}

Result<std::unique_ptr<SmallFilesystem>> SmallFilesystem::Mount(Kind kind, const std::string& scratch,
                                                                uint64_t mebibytes) {
  RAWKV_RETURN_IF_ERROR(PrepareProcess());
  const std::string point = scratch + "/mounted";
  if (::mkdir(point.c_str(), 0700) != 0) return Failed("mkdir " + point);
  const std::string size = std::to_string(mebibytes) + "M";
  if (kind == Kind::kTmpfs) {
    if (::mount("tmpfs", point.c_str(), "tmpfs", 0, ("size=" + size).c_str()) != 0) return Failed("tmpfs");
  } else {
    const std::string file = scratch + "/filesystem";
    // Reserves no blocks for root, who runs this. The loop device is detached with the unmount.
    const std::string command = "truncate -s " + size + " '" + file + "' && mkfs.ext4 -q -m 0 '" + file +
                                "' && mount -o loop '" + file + "' '" + point + "' 2>&1";
    if (std::system(command.c_str()) != 0)
      return Status::NotSupported("ext4 on a loop device cannot be mounted");
  }
  return std::unique_ptr<SmallFilesystem>(new SmallFilesystem(point));
}

SmallFilesystem::~SmallFilesystem() {
  if (::umount2(path_.c_str(), MNT_DETACH) != 0) std::perror(("umount " + path_).c_str());
}

Status SmallFilesystem::FillTo(uint64_t free_bytes) {
  const UniqueFd fd(::open(FillPath().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd.valid()) return Status::FromErrno(errno, "open " + FillPath());
  // Writes smaller and smaller pieces until no byte fits.
  for (size_t piece = 1 << 20; piece != 0;) {
    const std::vector<char> bytes(piece, 'x');
    const bool fits = free_bytes == 0 || FreeBytes(path_) >= free_bytes + piece;
    if (!fits || ::write(fd.get(), bytes.data(), bytes.size()) <= 0) piece /= 2;
    if (piece < 4096 && free_bytes != 0) break;
  }
  if (::fsync(fd.get()) != 0) return Status::FromErrno(errno, "fsync " + FillPath());
  return {};
}

Status SmallFilesystem::SetReadOnly(bool read_only) {
  const unsigned long flags = MS_REMOUNT | (read_only ? MS_RDONLY : 0);
  if (::mount(nullptr, path_.c_str(), nullptr, flags, nullptr) != 0) return Failed("remount");
  return {};
}

void SmallFilesystem::RemoveFill() {
  (void)::unlink(FillPath().c_str());
}

}  // namespace rawkv
