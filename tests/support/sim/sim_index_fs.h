#pragma once

#include <memory>

#include "tests/support/sim/sim_disk.h"

namespace rocksdb {
class FileSystem;
}

namespace rawkv {

enum class OptionsFiles : uint8_t {
  kWritten,
  // RocksDB writes its options to a file at each open and reads them back, which is a third of the time of an
  // open in memory. RocksDB works without the file if the write is refused.
  kRefused,
};

// The filesystem of the disk for RocksDB. `disk` outlives it and all files that it opened.
std::shared_ptr<rocksdb::FileSystem> MakeSimIndexFs(SimDisk& disk, SimDisk::Process process,
                                                    OptionsFiles options_files);

}  // namespace rawkv
