#pragma once

#include <rocksdb/env.h>

#include <memory>
#include <vector>

#include "base/mutex.h"

namespace rawkv {

// An Env on which compactions wait until the gate is opened. An index that is just being opened would
// else share the machine with the compaction it finds due; a clone that is soon thrown away is never worth
// one. Flushes pass. RocksDB's own way, disable_auto_compactions, ends with a new OPTIONS file, written
// and synced while commits wait. Thread-safe.
class CompactionGate final : public rocksdb::EnvWrapper {
 public:
  explicit CompactionGate(std::unique_ptr<rocksdb::Env> target);

  // Lets go what waits and all that comes. More than once is as good as once.
  void Open();

  void Schedule(void (*run)(void*), void* arg, Priority pool, void* tag, void (*drop)(void*)) override;
  int UnSchedule(void* tag, Priority pool) override;

 private:
  struct Job {
    void (*run)(void*);
    void* arg;
    Priority pool;
    void* tag;
    void (*drop)(void*);
  };

  Mutex mu_;  // taken below the database's own
  bool open_ RAWKV_GUARDED_BY(mu_) = false;
  std::vector<Job> waiting_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
