#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/fs.h"

namespace rawkv::fuzz {

// A minimal filesystem in memory for decoders that take one. Writing creates a file, and every prefix of a
// path is a directory. Only missing files are errors. Every lock is held by another process, as the lease of
// a live reader is. Single-threaded.
class MemoryFs final : public Fs {
 public:
  void Put(const std::string& path, std::string_view content) {
    files_[path] = std::make_shared<std::string>(content);
  }
  const std::string& Content(const std::string& path) const { return *files_.at(path); }

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    const auto found = files_.find(path);
    if (found == files_.end()) {
      if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) return Status::NotFound(path);
      Put(path, "");
    } else if (mode == OpenMode::kCreateNew) {
      return Status::FailedPrecondition(path + " exists");
    }
    return std::unique_ptr<File>(std::make_unique<MemoryFile>(files_[path]));
  }
  Result<FileStat> Stat(const std::string& path) override {
    if (const auto found = files_.find(path); found != files_.end()) {
      return FileStat{.kind = FileKind::kRegular, .size_bytes = found->second->size()};
    }
    if (Below(path) == files_.end()) return Status::NotFound(path);
    return FileStat{.kind = FileKind::kDirectory, .size_bytes = 0};
  }
  Result<std::vector<std::string>> List(const std::string& dir) override {
    std::vector<std::string> names;
    for (auto it = Below(dir); it != files_.end() && it->first.starts_with(dir + "/"); ++it) {
      const std::string rest = it->first.substr(dir.size() + 1);
      if (std::string name = rest.substr(0, rest.find('/')); names.empty() || names.back() != name) {
        names.push_back(std::move(name));
      }
    }
    if (names.empty()) return Status::NotFound(dir);
    return names;
  }
  Status MakeDir(const std::string&) override { return {}; }
  Status RemoveFile(const std::string& path) override {
    return files_.erase(path) == 1 ? Status::Ok() : Status::NotFound(path);
  }
  Status RemoveDir(const std::string&) override { return {}; }
  Status Rename(const std::string& from, const std::string& to) override {
    const auto found = files_.find(from);
    if (found == files_.end()) return Status::NotFound(from);
    files_[to] = found->second;
    files_.erase(from);
    return {};
  }
  Status Link(const std::string& from, const std::string&) override { return Status::NotSupported(from); }
  Status Symlink(const std::string&, const std::string& path) override { return Status::NotSupported(path); }
  Result<std::string> ReadLink(const std::string& path) override { return Status::NotSupported(path); }
  Status SyncDir(const std::string&) override { return {}; }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override { return Status::Busy(path); }
  Result<FsSpace> Space(const std::string&) override { return FsSpace{1ull << 40, 1ull << 40}; }

 private:
  using Shared = std::shared_ptr<std::string>;

  class MemoryFile final : public File {
   public:
    explicit MemoryFile(Shared content) : content_(std::move(content)) {}
    Result<size_t> ReadAt(uint64_t offset, Bytes out) override {
      if (offset >= content_->size()) return size_t{0};
      return content_->copy(reinterpret_cast<char*>(out.data()), out.size(), offset);
    }
    Status WriteAt(uint64_t offset, ConstBytes bytes) override {
      content_->resize(std::max<size_t>(content_->size(), offset + bytes.size()));
      content_->replace(offset, bytes.size(), AsStringView(bytes));
      return {};
    }
    Status ZeroFill(uint64_t offset, uint64_t length) override {
      return WriteAt(offset, AsBytes(std::string(length, '\0')));
    }
    Status Truncate(uint64_t size) override {
      content_->resize(size);
      return {};
    }
    Result<uint64_t> Size() override { return content_->size(); }
    Status Sync() override { return {}; }

   private:
    const Shared content_;
  };

  std::map<std::string, Shared>::const_iterator Below(const std::string& dir) const {
    const auto it = files_.lower_bound(dir + "/");
    return it != files_.end() && it->first.starts_with(dir + "/") ? it : files_.end();
  }

  std::map<std::string, Shared> files_;
};

}  // namespace rawkv::fuzz
