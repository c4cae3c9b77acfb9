#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/mutex.h"

namespace rawkv {

// Passes every operation to another filesystem, records each one that changes something (writes, syncs,
// names), and lets chosen ones fail. Changes before a failure stay: with kEverything, the other filesystem
// then shows the state that a process leaves that was killed there. Power cuts, which also lose unsynced
// changes, belong to the simulated disk. Thread-safe.
class FaultFs final : public Fs {
 public:
  // One operation of the trace. Its name is "write", "zerofill", "truncate", "sync", "create", "mkdir",
  // "unlink", "rmdir", "rename" (path is the target), "link", "symlink", "syncdir" or "lock".
  struct Operation {
    std::string name;
    std::string path;
    bool Is(std::string_view wanted, std::string_view path_end = {}) const {
      return name == wanted && path.ends_with(path_end);
    }
  };
  using Predicate = std::function<bool(const Operation&)>;

  enum class Reach : uint8_t {
    kOnce,        // this operation only; the fault is then disarmed
    kMatching,    // and every later one that matches, like a disk that stays full
    kEverything,  // and every later one, like a process that was killed
  };
  struct Fault {
    uint64_t skip = 0;  // matching operations that still succeed
    Status status = Status::IoError("injected");
    Reach reach = Reach::kEverything;
    bool partial = false;  // the first failing write or zero fill writes its first half
    Predicate matches;     // empty: every operation
  };

  explicit FaultFs(Fs& base) : base_(base) {}

  void Arm(Fault fault) RAWKV_EXCLUDES(mu_);
  void Disarm() RAWKV_EXCLUDES(mu_);
  bool fired() const RAWKV_EXCLUDES(mu_);           // since Arm
  uint64_t operations() const RAWKV_EXCLUDES(mu_);  // since ClearTrace, failed ones included
  std::vector<Operation> trace() const RAWKV_EXCLUDES(mu_);
  void ClearTrace() RAWKV_EXCLUDES(mu_);

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Result<FileStat> Stat(const std::string& path) override { return base_.Stat(path); }
  Result<std::vector<std::string>> List(const std::string& dir) override { return base_.List(dir); }
  Status MakeDir(const std::string& path) override;
  Status RemoveFile(const std::string& path) override;
  Status RemoveDir(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status Symlink(const std::string& target, const std::string& path) override;
  Result<std::string> ReadLink(const std::string& path) override { return base_.ReadLink(path); }
  Status SyncDir(const std::string& dir) override;
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override;
  Result<FsSpace> Space(const std::string& path) override { return base_.Space(path); }

 private:
  friend class FaultFile;

  // Records the operation. Returns the armed error if the operation must fail. Sets *half if it must do its
  // first half before it fails.
  Status RecordAndCheck(std::string name, const std::string& path, bool* half = nullptr) RAWKV_EXCLUDES(mu_);

  Fs& base_;
  mutable Mutex mu_;
  bool armed_ RAWKV_GUARDED_BY(mu_) = false;
  bool fired_ RAWKV_GUARDED_BY(mu_) = false;
  Fault fault_ RAWKV_GUARDED_BY(mu_);
  std::vector<Operation> trace_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
