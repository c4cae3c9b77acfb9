#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/mutex.h"
#include "base/result.h"
#include "tests/support/sim/disk_image.h"
#include "tests/support/sim/trace.h"

namespace rawkv {

// The disks as running programs see them (all writes, synced or not), and the trace of the changes. The three
// interfaces of the simulated world (Fs, rocksdb::FileSystem, BlockDevice) use these operations. Each
// operation is atomic. CrashStates decides what a power cut leaves.
class SimDisk {
 public:
  explicit SimDisk(DiskImage image) : image_(std::move(image)) {}

  // A process that uses the disk. After its death its operations have no effect. Its earlier writes stay,
  // synced or not.
  using Process = uint64_t;
  Process Start() RAWKV_EXCLUDES(mu_);  // ends the previous process and releases its locks
  // The running process dies after `changes` further changes of the disk.
  void DieAfter(uint64_t changes) RAWKV_EXCLUDES(mu_);
  bool Alive(Process process) const { return process == alive_.load(); }

  // Syncs for which `omit` returns true do nothing but return success, like a disk that lies or a program
  // that forgets a sync.
  using Omit = std::function<bool(const TraceEvent&)>;
  void OmitSyncs(Omit omit) RAWKV_EXCLUDES(mu_);
  void Record(bool on) RAWKV_EXCLUDES(mu_);
  void Mark(uint64_t number) RAWKV_EXCLUDES(mu_);
  Trace TakeTrace() RAWKV_EXCLUDES(mu_);
  DiskImage Image() const RAWKV_EXCLUDES(mu_);
  void AddDevice(const std::string& path, uint64_t bytes) RAWKV_EXCLUDES(mu_);

  Result<InodeId> Open(const std::string& path, OpenMode mode) RAWKV_EXCLUDES(mu_);
  Result<size_t> Read(InodeId file, uint64_t offset, Bytes out) const RAWKV_EXCLUDES(mu_);
  uint64_t Size(InodeId file) const RAWKV_EXCLUDES(mu_);
  void Write(InodeId file, const std::string& path, uint64_t offset, ConstBytes bytes) RAWKV_EXCLUDES(mu_);
  void Append(InodeId file, const std::string& path, ConstBytes bytes) RAWKV_EXCLUDES(mu_);
  void Zero(InodeId file, const std::string& path, uint64_t offset, uint64_t length) RAWKV_EXCLUDES(mu_);
  void Resize(InodeId file, const std::string& path, uint64_t size) RAWKV_EXCLUDES(mu_);
  void SyncFile(InodeId file, const std::string& path) RAWKV_EXCLUDES(mu_);

  Result<FileStat> Stat(const std::string& path) const RAWKV_EXCLUDES(mu_);
  Result<std::vector<std::string>> List(const std::string& path) const RAWKV_EXCLUDES(mu_);
  Status MakeDir(const std::string& path) RAWKV_EXCLUDES(mu_);
  Status Symlink(const std::string& target, const std::string& path) RAWKV_EXCLUDES(mu_);
  Result<std::string> ReadLink(const std::string& path) const RAWKV_EXCLUDES(mu_);
  Status Link(const std::string& from, const std::string& to) RAWKV_EXCLUDES(mu_);
  Status Remove(const std::string& path, FileKind kind) RAWKV_EXCLUDES(mu_);  // kDirectory, otherwise a file
  Status Rename(const std::string& from, const std::string& to) RAWKV_EXCLUDES(mu_);
  // From now on, renaming a directory to a name that ends in .removing fails, except for views, as on an
  // overlay filesystem whose lower layer holds the directory.
  void KeepDirectories() RAWKV_EXCLUDES(mu_);
  Status SyncDir(const std::string& path) RAWKV_EXCLUDES(mu_);
  Status Lock(const std::string& path, InodeId* locked) RAWKV_EXCLUDES(mu_);
  Result<bool> IsLocked(const std::string& path) RAWKV_EXCLUDES(mu_);
  void Unlock(InodeId locked) RAWKV_EXCLUDES(mu_);

  Result<uint64_t> DeviceBytes(const std::string& path) const RAWKV_EXCLUDES(mu_);
  void DeviceRead(const std::string& path, uint64_t offset, Bytes out) const RAWKV_EXCLUDES(mu_);
  void DeviceWrite(const std::string& path, uint64_t offset, ConstBytes bytes) RAWKV_EXCLUDES(mu_);
  void DeviceFlush(const std::string& path) RAWKV_EXCLUDES(mu_);
  void DeviceResize(const std::string& path, uint64_t bytes) RAWKV_EXCLUDES(mu_);
  void DeviceDiscard(const std::string& path, uint64_t offset, uint64_t length) RAWKV_EXCLUDES(mu_);

 private:
  void RecordEvent(TraceEvent event) RAWKV_REQUIRES(mu_);
  // Whether the process is alive. Counts the change.
  bool CountChange() RAWKV_REQUIRES(mu_);
  // Creates an inode under a name that does not exist.
  Result<InodeId> Make(const std::string& path, FileKind kind, const std::string& target) RAWKV_REQUIRES(mu_);

  mutable Mutex mu_;
  std::atomic<Process> alive_{0};
  Process started_ RAWKV_GUARDED_BY(mu_) = 0;
  uint64_t die_after_ RAWKV_GUARDED_BY(mu_) = UINT64_MAX;
  DiskImage image_ RAWKV_GUARDED_BY(mu_);
  bool recording_ RAWKV_GUARDED_BY(mu_) = false;
  Trace trace_ RAWKV_GUARDED_BY(mu_);
  Omit omit_ RAWKV_GUARDED_BY(mu_);
  bool keeps_directories_ RAWKV_GUARDED_BY(mu_) = false;
  std::set<InodeId> locked_ RAWKV_GUARDED_BY(mu_);
};

}  // namespace rawkv
