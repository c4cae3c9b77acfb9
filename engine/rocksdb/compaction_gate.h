#pragma once

#include <memory>

namespace rocksdb {
class Env;
class FileSystem;
}  // namespace rocksdb

namespace rawkv {

// Compactions of whoever uses its Env wait until the gate is opened. An index that is just being opened
// would else share the machine with the compaction it finds due; a clone that is soon thrown away is never
// worth one. Flushes pass. RocksDB's own way, disable_auto_compactions, ends with a new OPTIONS file,
// written and synced while commits wait. Thread-safe.
class CompactionGate {
 public:
  static std::unique_ptr<CompactionGate> Make(const std::shared_ptr<rocksdb::FileSystem>& fs);
  virtual ~CompactionGate() = default;

  // RocksDB's default Env over `fs`. Lives as long as the gate.
  virtual rocksdb::Env& env() = 0;
  // Lets go what waits and all that comes. More than once is as good as once.
  virtual void Open() = 0;
};

}  // namespace rawkv
