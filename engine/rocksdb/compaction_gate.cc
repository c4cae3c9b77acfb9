#include "engine/rocksdb/compaction_gate.h"

#include <rocksdb/env.h>

#include <utility>
#include <vector>

#include "base/mutex.h"

namespace rawkv {
namespace {

class GatedEnv final : public rocksdb::EnvWrapper, public CompactionGate {
 public:
  explicit GatedEnv(std::unique_ptr<rocksdb::Env> target) : EnvWrapper(std::move(target)) {
    // Without these, RocksDB would treat this Env as an older kind of Env and wrap each of its files.
    file_system_ = this->target()->GetFileSystem();
    system_clock_ = this->target()->GetSystemClock();
  }

  rocksdb::Env& env() override { return *this; }

  void Open() override {
    MutexLock lock(mu_);
    open_ = true;
    for (const Job& job : std::exchange(waiting_, {})) {
      target()->Schedule(job.run, job.arg, job.pool, job.tag, job.drop);
    }
  }

  void Schedule(void (*run)(void*), void* arg, Priority pool, void* tag, void (*drop)(void*)) override {
    MutexLock lock(mu_);
    if (open_ || pool == Priority::HIGH) {
      target()->Schedule(run, arg, pool, tag, drop);
    } else {
      waiting_.push_back({run, arg, pool, tag, drop});
    }
  }

  int UnSchedule(void* tag, Priority pool) override {
    MutexLock lock(mu_);
    const auto dropped = std::erase_if(waiting_, [&](const Job& job) {
      if (job.tag != tag || job.pool != pool) return false;
      if (job.drop != nullptr) job.drop(job.arg);
      return true;
    });
    return static_cast<int>(dropped) + target()->UnSchedule(tag, pool);
  }

 private:
  struct Job {
    void (*run)(void*);
    void* arg;
    Priority pool;
    void* tag;
    void (*drop)(void*);
  };

  Mutex mu_;  // locked after the database's own mutex
  bool open_ RAWKV_GUARDED_BY(mu_) = false;
  std::vector<Job> waiting_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<CompactionGate> CompactionGate::Make(const std::shared_ptr<rocksdb::FileSystem>& fs) {
  return std::make_unique<GatedEnv>(rocksdb::NewCompositeEnv(fs));
}

}  // namespace rawkv
