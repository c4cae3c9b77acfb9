#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "tests/support/sim/paged_bytes.h"

namespace rawkv {

using InodeId = uint32_t;  // 0 = none

struct Inode {
  FileKind kind = FileKind::kRegular;
  PagedBytes data;                         // of a file
  std::string target;                      // of a symlink
  std::map<std::string, InodeId> entries;  // of a directory
};

// The content of a machine's filesystem and devices. It is a value that is cheap to copy: copies share what
// is not changed. An inode has the same number in every copy, so that a trace of changes fits every copy.
// Devices are named by the path that opens them, and are not in the directory tree.
class DiskImage {
 public:
  static constexpr InodeId kRoot = 1;

  DiskImage();

  const Inode& Get(InodeId id) const { return *inodes_[id]; }
  Inode& Own(InodeId id);  // for a change; copies the inode if it is shared
  InodeId Add(FileKind kind);
  // Adds an inode with the number that it got in another copy.
  void AddAs(InodeId id, FileKind kind, const std::string& target);

  // The inode at an absolute path; links are not followed. kNotFound, kIoError (not a directory).
  Result<InodeId> Find(std::string_view path) const;
  // The directory that holds the last component, and that component.
  struct Place {
    InodeId dir = 0;
    std::string name;
  };
  Result<Place> PlaceOf(std::string_view path) const;
  InodeId EntryOf(const Place& place) const;  // 0 = absent

  std::map<std::string, PagedBytes>& devices() { return devices_; }
  const std::map<std::string, PagedBytes>& devices() const { return devices_; }

  // A hash of everything that a path reaches: names, kinds, content (without that of LOCK and reserve), hard
  // links and devices.
  uint64_t Hash() const;
  std::string Describe() const;  // one line for each name

 private:
  std::vector<std::shared_ptr<Inode>> inodes_;  // by number; null if not in this copy
  std::map<std::string, PagedBytes> devices_;
};

}  // namespace rawkv
