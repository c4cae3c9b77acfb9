#include "engine/index/compaction_gate.h"

#include <utility>

namespace rawkv {

CompactionGate::CompactionGate(std::unique_ptr<rocksdb::Env> target) : EnvWrapper(std::move(target)) {
  // Else RocksDB would take this Env's files for those of an older kind of Env and wrap each of them.
  file_system_ = this->target()->GetFileSystem();
  system_clock_ = this->target()->GetSystemClock();
}

void CompactionGate::Open() {
  MutexLock lock(mu_);
  open_ = true;
  for (const Job& job : std::exchange(waiting_, {})) {
    target()->Schedule(job.run, job.arg, job.pool, job.tag, job.drop);
  }
}

void CompactionGate::Schedule(void (*run)(void*), void* arg, Priority pool, void* tag, void (*drop)(void*)) {
  MutexLock lock(mu_);
  if (open_ || pool == Priority::HIGH) {
    target()->Schedule(run, arg, pool, tag, drop);
  } else {
    waiting_.push_back({run, arg, pool, tag, drop});
  }
}

int CompactionGate::UnSchedule(void* tag, Priority pool) {
  MutexLock lock(mu_);
  const auto dropped = std::erase_if(waiting_, [&](const Job& job) {
    if (job.tag != tag || job.pool != pool) return false;
    if (job.drop != nullptr) job.drop(job.arg);
    return true;
  });
  return static_cast<int>(dropped) + target()->UnSchedule(tag, pool);
}

}  // namespace rawkv
