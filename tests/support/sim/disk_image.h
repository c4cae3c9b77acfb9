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

// What a machine's filesystem and devices hold: a value, cheap to copy, sharing what is not changed.
// Inodes keep their numbers from copy to copy, so that a trace of changes fits every copy. Devices are
// named by the path that opens them, and are no part of the directory tree.
class DiskImage {
 public:
  static constexpr InodeId kRoot = 1;

  DiskImage();

  const Inode& Get(InodeId id) const { return *inodes_[id]; }
  Inode& Own(InodeId id);  // to be changed
  InodeId Add(FileKind kind);
  // So that `id` is there, as when it was added to another copy.
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

  // Of what can be reached: names, kinds, content (but that of LOCK and reserve), which names are links to
  // one file, devices.
  uint64_t Hash() const;
  std::string Describe() const;  // one line a name, for people

 private:
  std::vector<std::shared_ptr<Inode>> inodes_;  // by number; null: not in this copy
  std::map<std::string, PagedBytes> devices_;
};

}  // namespace rawkv
