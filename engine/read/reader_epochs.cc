#include "engine/read/reader_epochs.h"

#include <functional>
#include <thread>

namespace rawkv {

std::atomic<int64_t>* ReaderEpochs::Enter() {
  for (;;) {
    if (std::atomic<int64_t>* const slot = TryEnter()) return slot;
    MutexLock lock(mu_);
    while (closed_.load()) changed_.Wait(mu_);
  }
}

std::atomic<int64_t>* ReaderEpochs::TryEnter() {
  static thread_local const size_t shard = std::hash<std::thread::id>{}(std::this_thread::get_id()) % kShards;
  for (;;) {
    const uint64_t epoch = epoch_.load();
    std::atomic<int64_t>* slot = &shards_[shard].inside[epoch & 1];
    slot->fetch_add(1);
    // If a drain advanced the epoch in between, it may have read this counter before the increment. Then the
    // reader tries again, so that it is counted in an epoch that a later drain waits for.
    if (epoch_.load() == epoch && !closed_.load()) return slot;
    Leave(slot);
    if (closed_.load()) return nullptr;
  }
}

void ReaderEpochs::Leave(std::atomic<int64_t>* slot) {
  slot->fetch_sub(1);
  if (waiting_.load() != 0) {
    MutexLock lock(mu_);
    changed_.NotifyAll();
  }
}

bool ReaderEpochs::AnyInside(size_t parity) const {
  int64_t inside = 0;
  for (const Shard& shard : shards_) inside += shard.inside[parity].load();
  return inside != 0;
}

void ReaderEpochs::Drain(size_t parity) {
  waiting_.fetch_add(1);
  while (AnyInside(parity)) {
    const bool helped = Help();
    MutexLock lock(mu_);
    if (!AnyInside(parity)) break;
    helped ? (void)changed_.WaitForMs(mu_, 1) : changed_.Wait(mu_);
  }
  waiting_.fetch_sub(1);
}

bool ReaderEpochs::Help() {
  MutexLock lock(help_mu_);
  if (help_ != nullptr) help_();
  return help_ != nullptr;
}

void ReaderEpochs::SetHelp(std::function<void()> help) {
  {
    MutexLock lock(help_mu_);
    help_ = std::move(help);
  }
  MutexLock lock(mu_);
  changed_.NotifyAll();  // a thread that waits without help looks again
}

void ReaderEpochs::WaitForReaders() {
  MutexLock lock(advance_mu_);
  Drain(epoch_.fetch_add(1) & 1);
}

void ReaderEpochs::Close() {
  MutexLock lock(advance_mu_);
  closed_.store(true);
  Drain(0);
  Drain(1);
}

void ReaderEpochs::Reopen() {
  closed_.store(false);
  MutexLock lock(mu_);
  changed_.NotifyAll();
}

}  // namespace rawkv
