#pragma once

#include <memory>

namespace rocksdb {
class Env;
class FileSystem;
}  // namespace rocksdb

namespace rawkv {

// Delays the compactions of a database that uses its Env until the gate is opened; flushes pass. Without it,
// an index would compact while it is opened and share the machine with that, and a throw-away clone would
// compact for nothing. RocksDB's own option, disable_auto_compactions, was rejected: to change it back,
// RocksDB writes and syncs a new OPTIONS file while commits wait. Thread-safe.
class CompactionGate {
 public:
  static std::unique_ptr<CompactionGate> Make(const std::shared_ptr<rocksdb::FileSystem>& fs);
  virtual ~CompactionGate() = default;

  // RocksDB's default Env on `fs`. It is valid as long as the gate exists.
  virtual rocksdb::Env& env() = 0;
  // Starts the compactions that wait, and lets all later ones pass. Idempotent.
  virtual void Open() = 0;
};

}  // namespace rawkv
