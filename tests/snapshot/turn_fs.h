#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/mutex.h"
#include "tests/support/fs_seam.h"

namespace rawkv {

// Lets several threads use the real filesystem one call at a time. A seed decides the order: before each call
// it draws the next thread from all threads that are not done. So a failing interleaving can be repeated.
// Each thread needs its own TurnFs.
class Turns {
 public:
  Turns(size_t threads, uint64_t seed) : live_(threads, true), random_(seed) { Draw(); }

  void Await(size_t thread) {
    MutexLock lock(mu_);
    while (turn_ != thread) changed_.Wait(mu_);
  }
  void Next() {
    MutexLock lock(mu_);
    Draw();
  }
  void Done(size_t thread) {
    Await(thread);
    MutexLock lock(mu_);
    live_[thread] = false;
    Draw();
  }

 private:
  void Draw() {
    std::vector<size_t> ready;
    for (size_t i = 0; i < live_.size(); ++i) {
      if (live_[i]) ready.push_back(i);
    }
    if (!ready.empty()) turn_ = ready[random_() % ready.size()];
    changed_.NotifyAll();
  }

  Mutex mu_;
  CondVar changed_;
  std::vector<bool> live_;
  std::mt19937_64 random_;
  size_t turn_ = 0;
};

class TurnFs final : public FsSeam {
 public:
  TurnFs(Turns& turns, size_t thread) : FsSeam(PosixFs()), turns_(turns), thread_(thread) {}
  ~TurnFs() override { turns_.Done(thread_); }

  // Does nothing: these tests have no crashes, and syncs would take most of the time.
  Status SyncDir(const std::string& dir) override { return Stat(dir).status(); }
  // Takes two turns, since flock(2) cannot make the file: one turn makes the file, the next locks it.
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Open(path, OpenMode::kCreate).status());
    return FsSeam::Lock(path);
  }

 private:
  Status Before(const FsOperation&, bool*) override {
    turns_.Await(thread_);
    return {};
  }
  void After() override { turns_.Next(); }

  Turns& turns_;
  const size_t thread_;
};

}  // namespace rawkv
