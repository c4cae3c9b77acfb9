#pragma once

#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "base/check.h"
#include "base/fs.h"
#include "base/mutex.h"

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

class TurnFs final : public Fs {
 public:
  TurnFs(Turns& turns, size_t thread) : turns_(turns), thread_(thread) {}
  ~TurnFs() override { turns_.Done(thread_); }

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    return InTurn([&] { return PosixFs().Open(path, mode); });
  }
  Result<FileStat> Stat(const std::string& path) override {
    return InTurn([&] { return PosixFs().Stat(path); });
  }
  Result<std::vector<std::string>> List(const std::string& dir) override {
    return InTurn([&] { return PosixFs().List(dir); });
  }
  Status MakeDir(const std::string& path) override {
    return InTurn([&] { return PosixFs().MakeDir(path); });
  }
  Status RemoveFile(const std::string& path) override {
    return InTurn([&] { return PosixFs().RemoveFile(path); });
  }
  Status RemoveDir(const std::string& path) override {
    return InTurn([&] { return PosixFs().RemoveDir(path); });
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return InTurn([&] { return PosixFs().Rename(from, to); });
  }
  Status Link(const std::string& from, const std::string& to) override {
    return InTurn([&] { return PosixFs().Link(from, to); });
  }
  Status Symlink(const std::string& target, const std::string& path) override {
    return InTurn([&] { return PosixFs().Symlink(target, path); });
  }
  Result<std::string> ReadLink(const std::string& path) override {
    return InTurn([&] { return PosixFs().ReadLink(path); });
  }
  // Does nothing: these tests have no crashes, and syncs would take most of the time.
  Status SyncDir(const std::string& dir) override {
    return InTurn([&] { return PosixFs().Stat(dir).status(); });
  }
  // Takes two turns, since flock(2) cannot make the file: one turn makes the file, the next locks it.
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    const Status made = InTurn([&] { return PosixFs().Open(path, OpenMode::kCreate).status(); });
    RAWKV_RETURN_IF_ERROR(made);
    return InTurn([&] { return PosixFs().Lock(path); });
  }
  Result<FsSpace> Space(const std::string& path) override { return PosixFs().Space(path); }

 private:
  template <typename Call>
  std::invoke_result_t<const Call&> InTurn(const Call& call) {
    turns_.Await(thread_);
    auto result = call();
    turns_.Next();
    return result;
  }

  Turns& turns_;
  const size_t thread_;
};

}  // namespace rawkv
