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

// The disks as running programs see them (all that was written, synced or not), and the trace of what was
// changed. The three faces of the simulated world (Fs, rocksdb::FileSystem, BlockDevice) are made of
// these operations; each is one step for every thread. What a power cut leaves is CrashStates' business.
class SimDisk {
 public:
  explicit SimDisk(DiskImage image) : image_(std::move(image)) {}

  // A process that uses the disk. Once it is dead, nothing that it still does has any effect; what it had
  // written stays, synced or not.
  using Process = uint64_t;
  Process Start() RAWKV_EXCLUDES(mu_);  // the one before is dead; its locks are released
  // The running process dies after so many more changes of the disk.
  void DieAfter(uint64_t changes) RAWKV_EXCLUDES(mu_);
  bool Alive(Process process) const { return process == alive_.load(); }

  // A sync for which this is true does not take place, though its caller is told that it did: a disk that
  // lies, or a program that forgot it.
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
  Status Remove(const std::string& path, FileKind kind) RAWKV_EXCLUDES(mu_);  // kDirectory, or else a file
  Status Rename(const std::string& from, const std::string& to) RAWKV_EXCLUDES(mu_);
  // From now on no directory but a view's can be renamed to a name that ends in .removing, as on an overlay
  // whose lower layer holds it.
  void KeepDirectories() RAWKV_EXCLUDES(mu_);
  Status SyncDir(const std::string& path) RAWKV_EXCLUDES(mu_);
  Status Lock(const std::string& path, InodeId* locked) RAWKV_EXCLUDES(mu_);
  void Unlock(InodeId locked) RAWKV_EXCLUDES(mu_);

  Result<uint64_t> DeviceBytes(const std::string& path) const RAWKV_EXCLUDES(mu_);
  void DeviceRead(const std::string& path, uint64_t offset, Bytes out) const RAWKV_EXCLUDES(mu_);
  void DeviceWrite(const std::string& path, uint64_t offset, ConstBytes bytes) RAWKV_EXCLUDES(mu_);
  void DeviceFlush(const std::string& path) RAWKV_EXCLUDES(mu_);
  void DeviceDiscard(const std::string& path, uint64_t offset, uint64_t length) RAWKV_EXCLUDES(mu_);

 private:
  void Note(TraceEvent event) RAWKV_REQUIRES(mu_);
  // Whether a change still takes place.
  bool Step() RAWKV_REQUIRES(mu_);
  // Enters a new inode at an absent name.
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
