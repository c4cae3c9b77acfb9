#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fs.h"

namespace rawkv {

// The real filesystem. It records every change and sync, and fails all of them after `healthy_steps`, as if
// the machine had stopped there. The failing write writes half of its bytes.
class FaultyFs final : public Fs {
 public:
  explicit FaultyFs(size_t healthy_steps = SIZE_MAX) : healthy_steps_(healthy_steps) {}

  // "sync a.tmp", "rename a.tmp -> a", …: last path components only.
  const std::vector<std::string>& steps() const { return steps_; }

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    const bool creates = mode == OpenMode::kCreate || mode == OpenMode::kCreateNew;
    if (creates) RAWKV_RETURN_IF_ERROR(Step("create " + Base(path)));
    RAWKV_ASSIGN_OR_RETURN(auto file, PosixFs().Open(path, mode));
    return std::unique_ptr<File>(std::make_unique<FaultyFile>(*this, Base(path), std::move(file)));
  }
  Result<FileStat> Stat(const std::string& path) override { return PosixFs().Stat(path); }
  Result<std::vector<std::string>> List(const std::string& dir) override { return PosixFs().List(dir); }
  Status MakeDir(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Step("mkdir " + Base(path)));
    return PosixFs().MakeDir(path);
  }
  Status RemoveFile(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Step("unlink " + Base(path)));
    return PosixFs().RemoveFile(path);
  }
  Status RemoveDir(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Step("rmdir " + Base(path)));
    return PosixFs().RemoveDir(path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    RAWKV_RETURN_IF_ERROR(Step("rename " + Base(from) + " -> " + Base(to)));
    return PosixFs().Rename(from, to);
  }
  Status Link(const std::string& from, const std::string& to) override {
    RAWKV_RETURN_IF_ERROR(Step("link " + Base(from) + " -> " + Base(to)));
    return PosixFs().Link(from, to);
  }
  Status Symlink(const std::string& target, const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Step("symlink " + Base(path)));
    return PosixFs().Symlink(target, path);
  }
  Result<std::string> ReadLink(const std::string& path) override { return PosixFs().ReadLink(path); }
  Status SyncDir(const std::string& dir) override {
    RAWKV_RETURN_IF_ERROR(Step("syncdir " + Base(dir)));
    return PosixFs().SyncDir(dir);
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override { return PosixFs().Lock(path); }
  Result<FsSpace> Space(const std::string& path) override { return PosixFs().Space(path); }

 private:
  class FaultyFile final : public File {
   public:
    FaultyFile(FaultyFs& fs, std::string name, std::unique_ptr<File> file)
        : fs_(fs), name_(std::move(name)), file_(std::move(file)) {}
    Result<size_t> ReadAt(uint64_t offset, Bytes out) override { return file_->ReadAt(offset, out); }
    Status WriteAt(uint64_t offset, ConstBytes bytes) override {
      if (Status status = fs_.Step("write " + name_); !status.ok()) {
        (void)file_->WriteAt(offset, bytes.first(bytes.size() / 2)).ok();
        return status;
      }
      return file_->WriteAt(offset, bytes);
    }
    Status ZeroFill(uint64_t offset, uint64_t length) override {
      RAWKV_RETURN_IF_ERROR(fs_.Step("zerofill " + name_));
      return file_->ZeroFill(offset, length);
    }
    Status Truncate(uint64_t size) override {
      RAWKV_RETURN_IF_ERROR(fs_.Step("truncate " + name_));
      return file_->Truncate(size);
    }
    Result<uint64_t> Size() override { return file_->Size(); }
    Status Sync() override {
      RAWKV_RETURN_IF_ERROR(fs_.Step("sync " + name_));
      return file_->Sync();
    }

   private:
    FaultyFs& fs_;
    const std::string name_;
    const std::unique_ptr<File> file_;
  };

  static std::string Base(const std::string& path) { return path.substr(path.rfind('/') + 1); }

  Status Step(std::string step) {
    steps_.push_back(step);
    if (steps_.size() > healthy_steps_) return Status::IoError(step + ": injected");
    return {};
  }

  const size_t healthy_steps_;
  std::vector<std::string> steps_;
};

}  // namespace rawkv
