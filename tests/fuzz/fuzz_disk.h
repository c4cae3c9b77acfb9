#pragma once

#include <string>
#include <string_view>

#include "base/check.h"
#include "base/fs_ops.h"
#include "tests/support/sim/sim_fs.h"

namespace rawkv::fuzz {

// A simulated disk for decoders that take a filesystem.
class FuzzDisk {
 public:
  Fs& fs() { return fs_; }
  // Writes a new file. Makes the directories above it.
  void Put(const std::string& path, std::string_view content) {
    for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      (void)fs_.MakeDir(path.substr(0, slash)).ok();  // it may exist
    }
    const auto file = fs_.Open(path, OpenMode::kCreateNew);
    RAWKV_CHECK(file.ok() && (*file)->WriteAt(0, AsBytes(content)).ok(), "the disk is new");
  }
  std::string Content(const std::string& path) { return ReadFile(fs_, path, 1 << 20).value(); }

 private:
  SimDisk disk_{DiskImage()};
  SimFs fs_{disk_, disk_.Start()};
};

}  // namespace rawkv::fuzz
