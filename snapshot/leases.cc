#include "snapshot/leases.h"

#include "base/byte_codec.h"
#include "base/fs_ops.h"
#include "base/sealed_file.h"

// Layout: docs/formats/lease.md. Any number of readers make and remove leases while the writer, in another
// process, lists and sweeps them. Rules:
//
//   L1  views/<uuid> appears by one rename, with a complete, durable and locked LEASE. So a listing finds a
//   view either
//       held or not at all. Before the rename the directory is views/<uuid>.tmp, which protects nothing;
//       therefore a reader checks after Create that its snapshot exists.
//   L2  LEASE keeps its inode, on which the lock is: the reader locks the empty file and writes it in place,
//   and never
//       replaces it by a rename.
//   L3  A directory is renamed to views/<uuid>.removing before it is deleted. After that nobody can lock or
//   make a file
//       under its old name. If Create and a sweep race for a directory, one of the renames succeeds and the
//       other gets kNotFound.
namespace rawkv {
namespace {

constexpr SealedKind kKind{.magic = "RKVLEASE", .format = 1, .name = "LEASE", .max_payload_bytes = 4096};
constexpr std::string_view kTmpSuffix = ".tmp";
constexpr std::string_view kRemovingSuffix = ".removing";
// An attempt fails only if a sweep runs at the same moment. Measured with a process that sweeps without a
// pause: one attempt in ten failed, and at most eight in a row. So a hundred failures in a row are not a
// race.
constexpr int kCreateAttempts = 100;

struct LeaseRecord {
  Uuid id;  // of the directory, so that a copy of LEASE in another directory is invalid
  Version version;
  Version base;
  uint64_t created_unix_ms = 0;
};

bool IsNotFound(const Status& status) {
  return status.code() == StatusCode::kNotFound;
}

std::string ViewsIn(const std::string& store_dir) {
  return JoinPath(store_dir, "views");
}

std::string LeaseIn(const std::string& dir) {
  return JoinPath(dir, "LEASE");
}

std::string EncodeLease(const LeaseRecord& record) {
  ByteWriter out;
  out.U32(0);  // flags
  out.Id(record.id);
  out.U64(record.version.value());
  out.U64(record.base.value());
  out.U64(record.created_unix_ms);
  return Seal(kKind, out.str());
}

Result<LeaseRecord> DecodeLease(const std::string& payload) {
  ByteReader in(payload);
  if (const uint32_t flags = in.U32(); in.ok() && flags != 0) {
    return Status::NotSupported("LEASE has flags " + std::to_string(flags) +
                                ", which this build does not know");
  }
  LeaseRecord record;
  record.id = in.Id();
  record.version = Version(in.U64());
  record.base = Version(in.U64());
  record.created_unix_ms = in.U64();
  if (!in.AtEnd()) return Status::Corruption("LEASE is damaged: its length does not match its fields");
  if (record.base > record.version) {
    return Status::Corruption("LEASE is damaged: its base " + ToString(record.base) +
                              " is above its version " + ToString(record.version));
  }
  return record;
}

// True for the name of a complete view, exactly as Create writes it.
bool IsViewName(std::string_view name) {
  const Result<Uuid> id = Uuid::Parse(name);
  return id.ok() && id->ToString() == name;
}

Status MakeViewsDir(Fs& fs, const std::string& store_dir) {
  const std::string views = ViewsIn(store_dir);
  const Status made = fs.MakeDir(views);
  if (made.ok()) return fs.SyncDir(store_dir);
  if (made.code() != StatusCode::kFailedPrecondition) return made;
  RAWKV_ASSIGN_OR_RETURN(const FileStat stat, fs.Stat(views));
  if (stat.kind == FileKind::kDirectory) return {};
  return Status::FailedPrecondition(views + " is not a directory; remove it");
}

// Makes `tmp` with a locked, durable LEASE. kNotFound or kBusy if a sweep interferes.
Result<std::unique_ptr<FileLock>> MakeLockedLease(Fs& fs, const std::string& tmp, const LeaseRecord& record) {
  RAWKV_RETURN_IF_ERROR(fs.MakeDir(tmp));
  RAWKV_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, fs.Lock(LeaseIn(tmp)));
  RAWKV_ASSIGN_OR_RETURN(const auto file, fs.Open(LeaseIn(tmp), OpenMode::kReadWrite));
  RAWKV_RETURN_IF_ERROR(file->WriteAt(0, AsBytes(EncodeLease(record))));
  RAWKV_RETURN_IF_ERROR(file->Sync());
  RAWKV_RETURN_IF_ERROR(fs.SyncDir(tmp));
  return lock;
}

// Locks the LEASE of a directory. Null if there is no file to lock; kBusy if a reader holds it.
Result<std::unique_ptr<FileLock>> TryLockLease(Fs& fs, const std::string& dir) {
  const auto none = [] { return Result<std::unique_ptr<FileLock>>(std::unique_ptr<FileLock>()); };
  // Fs::Lock makes a missing file, which must not happen in a directory that is not a view.
  for (const auto& [path, kind] :
       {std::pair(dir, FileKind::kDirectory), std::pair(LeaseIn(dir), FileKind::kRegular)}) {
    const Result<FileStat> stat = fs.Stat(path);
    if (!stat.ok() && IsNotFound(stat.status())) return none();
    if (!stat.ok()) return stat.status();
    if (stat->kind != kind) return none();
  }
  Result<std::unique_ptr<FileLock>> lock = fs.Lock(LeaseIn(dir));
  if (!lock.ok() && IsNotFound(lock.status())) return none();
  return lock;
}

Status RemoveView(Fs& fs, const std::string& dir, const std::string& removing) {
  RAWKV_RETURN_IF_ERROR(RemoveTree(fs, removing));
  const Status renamed = fs.Rename(dir, removing);
  if (IsNotFound(renamed)) return {};  // the reader renamed or removed it first (L3)
  RAWKV_RETURN_IF_ERROR(renamed);
  return RemoveTree(fs, removing);
}

Result<std::vector<std::string>> ListViews(Fs& fs, const std::string& store_dir) {
  Result<std::vector<std::string>> names = fs.List(ViewsIn(store_dir));
  if (!names.ok() && IsNotFound(names.status())) return std::vector<std::string>();
  return names;
}

}  // namespace

Lease::Lease(Fs& fs, std::string dir, Version version, Version base, std::unique_ptr<FileLock> lock)
    : fs_(fs), dir_(std::move(dir)), version_(version), base_(base), lock_(std::move(lock)) {}

Lease::~Lease() = default;

std::string Lease::DirOf(const std::string& store_dir, const Uuid& id) {
  return JoinPath(ViewsIn(store_dir), id.ToString());
}

Result<std::unique_ptr<Lease>> Lease::Create(Fs& fs, Clock& clock, const std::string& store_dir, Uuid id,
                                             Version version, Version base) {
  if (base > version) {
    return Status::InvalidArgument("a view of version " + ToString(version) +
                                   " cannot be built from snapshot " + ToString(base));
  }
  RAWKV_RETURN_IF_ERROR(MakeViewsDir(fs, store_dir));
  const std::string dir = DirOf(store_dir, id);
  const std::string tmp = dir + std::string(kTmpSuffix);
  for (const std::string& path : {dir, tmp}) {
    RAWKV_ASSIGN_OR_RETURN(const bool exists, Exists(fs, path));
    if (exists) return Status::FailedPrecondition(path + " exists; a view needs a fresh id");
  }

  const LeaseRecord record{.id = id, .version = version, .base = base, .created_unix_ms = clock.NowUnixMs()};
  Status status;
  for (int attempt = 0; attempt < kCreateAttempts; ++attempt) {
    Result<std::unique_ptr<FileLock>> lock = MakeLockedLease(fs, tmp, record);
    status = lock.ok() ? fs.Rename(tmp, dir) : lock.status();
    if (status.ok()) {
      std::unique_ptr<Lease> lease(new Lease(fs, dir, version, base, std::move(lock).value()));
      status = fs.SyncDir(ViewsIn(store_dir));
      if (status.ok()) return lease;
      (void)lease->Remove().ok();
      break;
    }
    (void)RemoveTree(fs, tmp).ok();  // a sweep removes it if this fails
    if (!IsNotFound(status) && status.code() != StatusCode::kBusy) break;
  }
  // kNotFound would mean that the version does not exist.
  if (IsNotFound(status))
    return Status::Busy("lease: a sweep removed it while it was made: " + status.message());
  return status.WithContext("lease");
}

Status Lease::Remove() {
  // Keeps the lock until the end, so that no sweep works on the directory at the same time.
  const Status removed = RemoveView(fs_, dir_, dir_ + std::string(kRemovingSuffix));
  lock_.reset();
  return removed;
}

Result<std::vector<LeaseInfo>> ListHeldLeases(Fs& fs, const std::string& store_dir) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListViews(fs, store_dir));
  std::vector<LeaseInfo> leases;
  for (const std::string& name : names) {
    if (!IsViewName(name)) continue;
    const std::string dir = JoinPath(ViewsIn(store_dir), name);
    const Result<std::unique_ptr<FileLock>> lock = TryLockLease(fs, dir);
    if (lock.ok()) continue;  // no reader holds it
    if (lock.status().code() != StatusCode::kBusy) return lock.status();

    const Result<std::string> payload = ReadSealedFile(fs, LeaseIn(dir), kKind);
    if (!payload.ok() && IsNotFound(payload.status())) continue;  // removed by its reader meanwhile
    if (!payload.ok()) return payload.status();
    const Result<LeaseRecord> record = DecodeLease(*payload);
    if (!record.ok()) return record.status().WithContext(LeaseIn(dir));
    if (record->id.ToString() != name) {
      return Status::Corruption(LeaseIn(dir) + ": belongs to view " + record->id.ToString());
    }
    leases.push_back({.dir = dir,
                      .version = record->version,
                      .base = record->base,
                      .created_unix_ms = record->created_unix_ms});
  }
  return leases;
}

Status SweepViews(Fs& fs, const std::string& store_dir, Logger& logger) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListViews(fs, store_dir));
  for (const std::string& name : names) {
    const std::string path = JoinPath(ViewsIn(store_dir), name);
    std::string_view stem = name;
    if (stem.ends_with(kRemovingSuffix)) {
      stem.remove_suffix(kRemovingSuffix.size());
      if (IsViewName(stem)) SweepTree(fs, path, logger);
      continue;
    }
    if (stem.ends_with(kTmpSuffix)) stem.remove_suffix(kTmpSuffix.size());
    if (!IsViewName(stem)) continue;
    const Result<std::unique_ptr<FileLock>> lock = TryLockLease(fs, path);  // held until the view is removed
    if (!lock.ok() && lock.status().code() == StatusCode::kBusy) continue;
    const std::string removing =
        JoinPath(ViewsIn(store_dir), std::string(stem) + std::string(kRemovingSuffix));
    const Status removed = lock.ok() ? RemoveView(fs, path, removing) : lock.status();
    if (removed.ok()) continue;
    logger.Log(LogLevel::kWarning, path + ": an unused view cannot be removed now (" + removed.message() +
                                       "); the next open tries again");
  }
  return {};
}

}  // namespace rawkv
