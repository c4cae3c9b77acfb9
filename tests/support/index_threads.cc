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
    self.let_go_.wait();
    self.gone_.count_down();
  };
  env->Schedule(hold, this, PriorityOf(pool));
  held_.wait();
}

HeldIndexPool::~HeldIndexPool() {
  let_go_.count_down();
  gone_.wait();
}

void AwaitIndexThreads() {
  rocksdb::Env* const env = rocksdb::Env::Default();
  // With both held, nothing can be queued meanwhile. A flush or a compaction that ran until then may have
  // queued another behind; one that fails for as long as it is let queues itself again and again, which is
  // not waited for.
  constexpr int kMaxRounds = 16;
  for (int round = 0; round < kMaxRounds; ++round) {
    const HeldIndexPool flushes(IndexPool::kFlush), compactions(IndexPool::kCompaction);
    if (env->GetThreadPoolQueueLen(rocksdb::Env::HIGH) + env->GetThreadPoolQueueLen(rocksdb::Env::LOW) == 0)
      return;
  }
}

}  // namespace rawkv
