#pragma once

#include <memory>

#include "tests/support/sim/sim_disk.h"

namespace rocksdb {
class FileSystem;
}

namespace rawkv {

enum class OptionsFiles : uint8_t {
  kWritten,
  // RocksDB writes its options at each open, for people, and reads them back: a third of what an open in
  // memory costs. Refused, it goes on without.
  kRefused,
};

// The same disk as RocksDB sees it. `disk` outlives it and all it has opened.
std::shared_ptr<rocksdb::FileSystem> MakeSimIndexFs(SimDisk& disk, SimDisk::Process process,
                                                    OptionsFiles options_files);

}  // namespace rawkv
