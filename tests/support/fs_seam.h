#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fs.h"

namespace rawkv {

// One operation of a filesystem. Its name is "read", "write", "zerofill", "truncate", "size", "sync",
// "create" (an open that may create), "open", "stat", "list", "mkdir", "unlink", "rmdir", "rename", "link",
// "symlink", "readlink", "syncdir", "lock", "is locked" or "space".
struct FsOperation {
  std::string name;
  std::string path;  // of a rename and a link: the new name
  std::string from;  // of a rename and a link: the old name
  bool Is(std::string_view wanted, std::string_view path_end = {}) const {
    return name == wanted && path.ends_with(path_end);
  }
};

// Passes every operation to another filesystem, which outlives this one. A subclass decides before each of
// them whether it may happen. Files refer to the filesystem that opened them.
class FsSeam : public Fs {
 public:
  explicit FsSeam(Fs& base) : base_(base) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    const bool creates = mode == OpenMode::kCreate || mode == OpenMode::kCreateNew;
    RAWKV_ASSIGN_OR_RETURN(std::unique_ptr<File> file, Pass({creates ? "create" : "open", path, {}},
                                                            [&] { return base_.Open(path, mode); }));
    return std::unique_ptr<File>(std::make_unique<SeamFile>(*this, path, std::move(file)));
  }
  Result<FileStat> Stat(const std::string& path) override {
    return Pass({"stat", path, {}}, [&] { return base_.Stat(path); });
  }
  Result<std::vector<std::string>> List(const std::string& dir) override {
    return Pass({"list", dir, {}}, [&] { return base_.List(dir); });
  }
  Status MakeDir(const std::string& path) override {
    return Pass({"mkdir", path, {}}, [&] { return base_.MakeDir(path); });
  }
  Status RemoveFile(const std::string& path) override {
    return Pass({"unlink", path, {}}, [&] { return base_.RemoveFile(path); });
  }
  Status RemoveDir(const std::string& path) override {
    return Pass({"rmdir", path, {}}, [&] { return base_.RemoveDir(path); });
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return Pass({"rename", to, from}, [&] { return base_.Rename(from, to); });
  }
  Status Link(const std::string& from, const std::string& to) override {
    return Pass({"link", to, from}, [&] { return base_.Link(from, to); });
  }
  Status Symlink(const std::string& target, const std::string& path) override {
    return Pass({"symlink", path, {}}, [&] { return base_.Symlink(target, path); });
  }
  Result<std::string> ReadLink(const std::string& path) override {
    return Pass({"readlink", path, {}}, [&] { return base_.ReadLink(path); });
  }
  Status SyncDir(const std::string& dir) override {
    return Pass({"syncdir", dir, {}}, [&] { return base_.SyncDir(dir); });
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return Pass({"lock", path, {}}, [&] { return base_.Lock(path); });
  }
  Result<bool> IsLocked(const std::string& path) override {
    return Pass({"is locked", path, {}}, [&] { return base_.IsLocked(path); });
  }
  Result<FsSpace> Space(const std::string& path) override {
    return Pass({"space", path, {}}, [&] { return base_.Space(path); });
  }

 private:
  // An error is the operation's answer, and the operation does not happen. Sets *half if a write or a zero
  // fill must do its first half before it fails.
  virtual Status Before(const FsOperation& operation, bool* half) = 0;
  virtual void After() {}  // of an operation that Before allowed

  template <typename Call>
  auto Pass(const FsOperation& operation, const Call& call) -> decltype(call()) {
    bool half = false;
    RAWKV_RETURN_IF_ERROR(Before(operation, &half));
    auto result = call();
    After();
    return result;
  }

  class SeamFile final : public File {
   public:
    SeamFile(FsSeam& fs, std::string path, std::unique_ptr<File> base)
        : fs_(fs), path_(std::move(path)), base_(std::move(base)) {}

    Result<size_t> ReadAt(uint64_t offset, Bytes out) override {
      return fs_.Pass({"read", path_, {}}, [&] { return base_->ReadAt(offset, out); });
    }
    Status WriteAt(uint64_t offset, ConstBytes bytes) override {
      return PassOrHalve("write", bytes.size(),
                         [&](uint64_t length) { return base_->WriteAt(offset, bytes.first(length)); });
    }
    Status ZeroFill(uint64_t offset, uint64_t length) override {
      return PassOrHalve("zerofill", length, [&](uint64_t part) { return base_->ZeroFill(offset, part); });
    }
    Status Truncate(uint64_t size) override {
      return fs_.Pass({"truncate", path_, {}}, [&] { return base_->Truncate(size); });
    }
    Result<uint64_t> Size() override {
      return fs_.Pass({"size", path_, {}}, [&] { return base_->Size(); });
    }
    Status Sync() override {
      return fs_.Pass({"sync", path_, {}}, [&] { return base_->Sync(); });
    }

   private:
    template <typename Call>
    Status PassOrHalve(const char* name, uint64_t length, const Call& call) {
      bool half = false;
      const Status refused = fs_.Before({name, path_, {}}, &half);
      if (!refused.ok() && !half) return refused;
      const Status done = call(refused.ok() ? length : length / 2);
      if (refused.ok()) fs_.After();
      return done.ok() ? refused : done;
    }

    FsSeam& fs_;
    const std::string path_;
    const std::unique_ptr<File> base_;
  };

  Fs& base_;
};

}  // namespace rawkv
