#include "tests/support/index_threads.h"

#include <rocksdb/env.h>

namespace rawkv {
namespace {

rocksdb::Env::Priority PriorityOf(IndexPool pool) {
  return pool == IndexPool::kFlush ? rocksdb::Env::HIGH : rocksdb::Env::LOW;
}

}  // namespace

HeldIndexPool::HeldIndexPool(IndexPool pool) {
  rocksdb::Env* const env = rocksdb::Env::Default();
  env->SetBackgroundThreads(1, PriorityOf(pool));
  const auto hold = [](void* p) {
    auto& self = *static_cast<HeldIndexPool*>(p);
    self.held_.count_down();
    self.release_.wait();
    self.finished_.count_down();
  };
  env->Schedule(hold, this, PriorityOf(pool));
  held_.wait();
}

HeldIndexPool::~HeldIndexPool() {
  release_.count_down();
  finished_.wait();
}

void AwaitIndexThreads() {
  rocksdb::Env* const env = rocksdb::Env::Default();
  // While both pools are held, nothing can be queued. A flush or compaction that ran until then may have
  // queued another one. An operation that fails without end queues itself again and again: kMaxRounds bounds
  // the wait for it.
  constexpr int kMaxRounds = 16;
  for (int round = 0; round < kMaxRounds; ++round) {
    const HeldIndexPool flushes(IndexPool::kFlush), compactions(IndexPool::kCompaction);
    if (env->GetThreadPoolQueueLen(rocksdb::Env::HIGH) + env->GetThreadPoolQueueLen(rocksdb::Env::LOW) == 0)
      return;
  }
}

}  // namespace rawkv
