#include "tests/support/sim/sim_disk.h"

#include <utility>

#include "base/check.h"

namespace rawkv {

using Kind = TraceEvent::Kind;

SimDisk::Process SimDisk::Start() {
  MutexLock lock(mu_);
  locked_.clear();
  die_after_ = UINT64_MAX;
  alive_ = ++started_;
  return started_;
}

void SimDisk::DieAfter(uint64_t changes) {
  MutexLock lock(mu_);
  die_after_ = changes;
}

bool SimDisk::CountChange() {
  if (alive_.load() == 0) return false;
  if (die_after_ == 0) {
    alive_ = 0;
    return false;
  }
  if (die_after_ != UINT64_MAX) --die_after_;
  return true;
}

void SimDisk::OmitSyncs(Omit omit) {
  MutexLock lock(mu_);
  omit_ = std::move(omit);
}

void SimDisk::Record(bool on) {
  MutexLock lock(mu_);
  recording_ = on;
}

void SimDisk::Mark(uint64_t number) {
  MutexLock lock(mu_);
  if (recording_) RecordEvent({.kind = Kind::kMark, .length = number});
}

Trace SimDisk::TakeTrace() {
  MutexLock lock(mu_);
  return std::exchange(trace_, {});
}

DiskImage SimDisk::Image() const {
  MutexLock lock(mu_);
  return image_;
}

void SimDisk::AddDevice(const std::string& path, uint64_t bytes) {
  MutexLock lock(mu_);
  image_.devices()[path].Resize(bytes);
}

void SimDisk::RecordEvent(TraceEvent event) {
  const bool sync =
      event.kind == Kind::kSyncFile || event.kind == Kind::kSyncDir || event.kind == Kind::kDeviceFlush;
  if (sync && omit_ && omit_(event)) return;
  trace_.push_back(std::move(event));
}

Result<InodeId> SimDisk::Make(const std::string& path, FileKind kind, const std::string& target) {
  RAWKV_ASSIGN_OR_RETURN(const DiskImage::Place place, image_.PlaceOf(path));
  if (image_.EntryOf(place) != 0) return Status::FailedPrecondition(path + ": exists");
  if (!CountChange()) return Status::IoError(path + ": killed");
  const InodeId id = image_.Add(kind);
  image_.Own(id).target = target;
  image_.Own(place.dir).entries[place.name] = id;
  if (recording_)
    RecordEvent({.kind = Kind::kEnter,
                 .inode = id,
                 .dir = place.dir,
                 .is_new = true,
                 .new_kind = kind,
                 .bytes = target,
                 .name = place.name,
                 .path = path});
  return id;
}

Result<InodeId> SimDisk::Open(const std::string& path, OpenMode mode) {
  MutexLock lock(mu_);
  const Result<InodeId> found = image_.Find(path);
  if (!found.ok()) {
    if (found.status().code() != StatusCode::kNotFound) return found.status();
    if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) return Status::NotFound("open " + path);
    return Make(path, FileKind::kRegular, "");
  }
  if (mode == OpenMode::kCreateNew) return Status::FailedPrecondition("open " + path + ": exists");
  if (image_.Get(*found).kind != FileKind::kRegular) return Status::IoError("open " + path + ": no file");
  return found;
}

Result<size_t> SimDisk::Read(InodeId file, uint64_t offset, Bytes out) const {
  MutexLock lock(mu_);
  return image_.Get(file).data.Read(offset, out);
}

uint64_t SimDisk::Size(InodeId file) const {
  MutexLock lock(mu_);
  return image_.Get(file).data.size();
}

void SimDisk::Write(InodeId file, const std::string& path, uint64_t offset, ConstBytes bytes) {
  if (bytes.empty()) return;
  MutexLock lock(mu_);
  if (!CountChange()) return;
  image_.Own(file).data.Write(offset, bytes);
  if (recording_)
    RecordEvent({.kind = Kind::kWrite,
                 .inode = file,
                 .offset = offset,
                 .bytes = std::string(AsStringView(bytes)),
                 .path = path});
}

void SimDisk::Append(InodeId file, const std::string& path, ConstBytes bytes) {
  Write(file, path, Size(file), bytes);
}

void SimDisk::Zero(InodeId file, const std::string& path, uint64_t offset, uint64_t length) {
  if (length == 0) return;
  MutexLock lock(mu_);
  if (!CountChange()) return;
  image_.Own(file).data.Zero(offset, length);
  if (recording_)
    RecordEvent({.kind = Kind::kZero, .inode = file, .offset = offset, .length = length, .path = path});
}

void SimDisk::Resize(InodeId file, const std::string& path, uint64_t size) {
  MutexLock lock(mu_);
  if (!CountChange()) return;
  image_.Own(file).data.Resize(size);
  if (recording_) RecordEvent({.kind = Kind::kResize, .inode = file, .length = size, .path = path});
}

void SimDisk::SyncFile(InodeId file, const std::string& path) {
  MutexLock lock(mu_);
  if (!CountChange()) return;
  if (recording_) RecordEvent({.kind = Kind::kSyncFile, .inode = file, .path = path});
}

Result<FileStat> SimDisk::Stat(const std::string& path) const {
  MutexLock lock(mu_);
  RAWKV_ASSIGN_OR_RETURN(const InodeId id, image_.Find(path));
  const Inode& inode = image_.Get(id);
  return FileStat{.kind = inode.kind, .size_bytes = inode.data.size(), .id = {.filesystem = 1, .inode = id}};
}

Result<std::vector<std::string>> SimDisk::List(const std::string& path) const {
  MutexLock lock(mu_);
  RAWKV_ASSIGN_OR_RETURN(const InodeId id, image_.Find(path));
  if (image_.Get(id).kind != FileKind::kDirectory) return Status::IoError("list " + path);
  std::vector<std::string> names;
  for (const auto& entry : image_.Get(id).entries) names.push_back(entry.first);
  return names;
}

Status SimDisk::MakeDir(const std::string& path) {
  MutexLock lock(mu_);
  return Make(path, FileKind::kDirectory, "").status();
}

Status SimDisk::Symlink(const std::string& target, const std::string& path) {
  MutexLock lock(mu_);
  return Make(path, FileKind::kSymlink, target).status();
}

Result<std::string> SimDisk::ReadLink(const std::string& path) const {
  MutexLock lock(mu_);
  RAWKV_ASSIGN_OR_RETURN(const InodeId id, image_.Find(path));
  if (image_.Get(id).kind != FileKind::kSymlink) return Status::IoError("readlink " + path);
  return image_.Get(id).target;
}

Status SimDisk::Link(const std::string& from, const std::string& to) {
  MutexLock lock(mu_);
  RAWKV_ASSIGN_OR_RETURN(const InodeId id, image_.Find(from));
  RAWKV_ASSIGN_OR_RETURN(const DiskImage::Place place, image_.PlaceOf(to));
  if (image_.Get(id).kind != FileKind::kRegular) return Status::IoError("link " + from);
  if (image_.EntryOf(place) != 0) return Status::FailedPrecondition("link to " + to + ": exists");
  if (!CountChange()) return Status::IoError("link " + from + ": killed");
  image_.Own(place.dir).entries[place.name] = id;
  if (recording_)
    RecordEvent({.kind = Kind::kEnter, .inode = id, .dir = place.dir, .name = place.name, .path = to});
  return {};
}

Status SimDisk::Remove(const std::string& path, FileKind kind) {
  MutexLock lock(mu_);
  RAWKV_ASSIGN_OR_RETURN(const DiskImage::Place place, image_.PlaceOf(path));
  const InodeId id = image_.EntryOf(place);
  if (id == 0) return Status::NotFound("remove " + path);
  const Inode& inode = image_.Get(id);
  if ((inode.kind == FileKind::kDirectory) != (kind == FileKind::kDirectory)) {
    return Status::IoError("remove " + path + ": of another kind");
  }
  if (!inode.entries.empty()) return Status::FailedPrecondition("rmdir " + path + ": not empty");
  if (!CountChange()) return Status::IoError("remove " + path + ": killed");
  image_.Own(place.dir).entries.erase(place.name);
  if (recording_)
    RecordEvent({.kind = Kind::kLeave, .inode = id, .dir = place.dir, .name = place.name, .path = path});
  return {};
}

void SimDisk::KeepDirectories() {
  MutexLock lock(mu_);
  keeps_directories_ = true;
}

Status SimDisk::Rename(const std::string& from, const std::string& to) {
  MutexLock lock(mu_);
  RAWKV_ASSIGN_OR_RETURN(const DiskImage::Place source, image_.PlaceOf(from));
  RAWKV_ASSIGN_OR_RETURN(const DiskImage::Place target, image_.PlaceOf(to));
  RAWKV_CHECK(source.dir == target.dir, "a rename between directories needs a rule in CrashStates first");
  const InodeId id = image_.EntryOf(source);
  if (id == 0) return Status::NotFound("rename " + from);
  const bool kept = keeps_directories_ && to.ends_with(".removing") && to.find("/views/") == to.npos;
  if (kept && image_.Get(id).kind == FileKind::kDirectory) {
    return Status::NotSupported("rename " + from + " -> " + to + ": Invalid cross-device link");
  }
  if (const InodeId old = image_.EntryOf(target); old != 0 && old != id) {
    const Inode& replaced = image_.Get(old);
    const bool dir = image_.Get(id).kind == FileKind::kDirectory;
    if (dir != (replaced.kind == FileKind::kDirectory)) return Status::IoError("rename onto " + to);
    if (!replaced.entries.empty()) return Status::FailedPrecondition("rename onto " + to + ": not empty");
  }
  if (!CountChange()) return Status::IoError("rename " + from + ": killed");
  auto& entries = image_.Own(source.dir).entries;
  entries.erase(source.name);
  entries[target.name] = id;
  if (recording_)
    RecordEvent({.kind = Kind::kRename,
                 .inode = id,
                 .dir = source.dir,
                 .name = source.name,
                 .to_name = target.name,
                 .path = from});
  return {};
}

Status SimDisk::SyncDir(const std::string& path) {
  MutexLock lock(mu_);
  RAWKV_ASSIGN_OR_RETURN(const InodeId id, image_.Find(path));
  if (image_.Get(id).kind != FileKind::kDirectory) return Status::IoError("syncdir " + path);
  if (!CountChange()) return Status::IoError("syncdir " + path + ": killed");
  if (recording_) RecordEvent({.kind = Kind::kSyncDir, .dir = id, .path = path});
  return {};
}

Status SimDisk::Lock(const std::string& path, InodeId* locked) {
  RAWKV_ASSIGN_OR_RETURN(const InodeId id, Open(path, OpenMode::kCreate));
  MutexLock lock(mu_);
  if (!locked_.insert(id).second) return Status::Busy("lock " + path + ": held by someone else");
  *locked = id;
  return {};
}

Result<bool> SimDisk::IsLocked(const std::string& path) {
  MutexLock lock(mu_);
  const Result<InodeId> id = image_.Find(path);
  if (!id.ok()) return id.status().code() == StatusCode::kNotFound ? Result<bool>(false) : id.status();
  return locked_.contains(*id);
}

void SimDisk::Unlock(InodeId locked) {
  MutexLock lock(mu_);
  locked_.erase(locked);
}

Result<uint64_t> SimDisk::DeviceBytes(const std::string& path) const {
  MutexLock lock(mu_);
  const auto device = image_.devices().find(path);
  if (device == image_.devices().end()) return Status::NotFound("open " + path);
  return device->second.size();
}

void SimDisk::DeviceRead(const std::string& path, uint64_t offset, Bytes out) const {
  MutexLock lock(mu_);
  image_.devices().at(path).Read(offset, out);
}

void SimDisk::DeviceWrite(const std::string& path, uint64_t offset, ConstBytes bytes) {
  MutexLock lock(mu_);
  if (!CountChange()) return;
  image_.devices().at(path).Write(offset, bytes);
  if (recording_)
    RecordEvent({.kind = Kind::kDeviceWrite,
                 .offset = offset,
                 .bytes = std::string(AsStringView(bytes)),
                 .path = path});
}

void SimDisk::DeviceFlush(const std::string& path) {
  MutexLock lock(mu_);
  if (!CountChange()) return;
  if (recording_) RecordEvent({.kind = Kind::kDeviceFlush, .path = path});
}

void SimDisk::DeviceResize(const std::string& path, uint64_t bytes) {
  MutexLock lock(mu_);
  if (!CountChange()) return;
  image_.devices().at(path).Resize(bytes);
  if (recording_) RecordEvent({.kind = Kind::kDeviceResize, .length = bytes, .path = path});
}

void SimDisk::DeviceDiscard(const std::string& path, uint64_t offset, uint64_t length) {
  MutexLock lock(mu_);
  if (!CountChange()) return;
  image_.devices().at(path).Write(offset, AsBytes(DiscardedBytes(length)));
  if (recording_)
    RecordEvent({.kind = Kind::kDeviceDiscard, .offset = offset, .length = length, .path = path});
}

}  // namespace rawkv
