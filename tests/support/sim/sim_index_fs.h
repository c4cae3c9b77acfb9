#pragma once

#include <memory>

#include "tests/support/sim/sim_disk.h"

namespace rocksdb {
class FileSystem;
}

namespace rawkv {

// The same disk as RocksDB sees it. `disk` outlives it and all it has opened.
std::shared_ptr<rocksdb::FileSystem> MakeSimIndexFs(SimDisk& disk);

}  // namespace rawkv
