#pragma once

#include "base/fs.h"
#include "tests/support/sim/sim_disk.h"

namespace rawkv {

// The filesystem of a simulated disk for one process. Its operations fail after the death of the process.
// `disk` outlives this object and all files that it opened.
class SimFs final : public Fs {
 public:
  SimFs(SimDisk& disk, SimDisk::Process process) : disk_(disk), process_(process) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Result<FileStat> Stat(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Alive());
    return disk_.Stat(path);
  }
  Result<std::vector<std::string>> List(const std::string& dir) override {
    RAWKV_RETURN_IF_ERROR(Alive());
    return disk_.List(dir);
  }
  Status MakeDir(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Alive());
    return disk_.MakeDir(path);
  }
  Status RemoveFile(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Alive());
    return disk_.Remove(path, FileKind::kRegular);
  }
  Status RemoveDir(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Alive());
    return disk_.Remove(path, FileKind::kDirectory);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    RAWKV_RETURN_IF_ERROR(Alive());
    return disk_.Rename(from, to);
  }
  Status Link(const std::string& from, const std::string& to) override {
    RAWKV_RETURN_IF_ERROR(Alive());
    return disk_.Link(from, to);
  }
  Status Symlink(const std::string& target, const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Alive());
    return disk_.Symlink(target, path);
  }
  Result<std::string> ReadLink(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Alive());
    return disk_.ReadLink(path);
  }
  Status SyncDir(const std::string& dir) override {
    RAWKV_RETURN_IF_ERROR(Alive());
    return disk_.SyncDir(dir);
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;
  Result<bool> IsLocked(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Alive());
    return disk_.IsLocked(path);
  }
  Result<FsSpace> Space(const std::string&) override { return FsSpace{1ull << 40, 1ull << 40}; }

 private:
  Status Alive() const {
    return disk_.Alive(process_) ? Status::Ok() : Status::IoError("the process is dead");
  }

  SimDisk& disk_;
  const SimDisk::Process process_;
};

}  // namespace rawkv
