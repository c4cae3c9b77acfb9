#include "engine/index/index_files.h"

#include <rocksdb/db.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/metadata.h>
#include <rocksdb/options.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/fs_ops.h"
#include "engine/rocksdb/rocksdb_status.h"

namespace rawkv {
namespace {

constexpr size_t kCopyBytes = 1 << 20;
constexpr size_t kCrc32cBytes = 4;
// RocksDB replaces a manifest at 16 MiB (rocksdb_options.cc), so it exceeds that by one record at most.
constexpr uint64_t kMaxCopiedFileBytes = 256ull << 20;

// RocksDB 9 has no parameter `force` any more, and never forces.
template <typename Db>
rocksdb::Status EnableFileDeletions(Db& db) {
  if constexpr (requires { db.EnableFileDeletions(false); }) {
    return db.EnableFileDeletions(/*force=*/false);
  } else {
    return db.EnableFileDeletions();
  }
}

// While this object exists, RocksDB removes no file of the database.
class DeletionsDisabled {
 public:
  explicit DeletionsDisabled(rocksdb::DB& db) : db_(db), status_(db.DisableFileDeletions()) {}
  ~DeletionsDisabled() {
    // Not forced: after a failed manifest write RocksDB itself keeps deletions disabled.
    if (status_.ok()) EnableFileDeletions(db_).PermitUncheckedError();
  }
  DeletionsDisabled(const DeletionsDisabled&) = delete;
  DeletionsDisabled& operator=(const DeletionsDisabled&) = delete;
  const rocksdb::Status& status() const { return status_; }

 private:
  rocksdb::DB& db_;
  const rocksdb::Status status_;
};

// Copies the first `size` bytes and syncs the copy. RocksDB may append to the file meanwhile.
Status CopyPrefix(Fs& fs, const std::string& from, const std::string& to, uint64_t size) {
  RAWKV_ASSIGN_OR_RETURN(const auto source, fs.Open(from, OpenMode::kRead));
  RAWKV_ASSIGN_OR_RETURN(const auto target, fs.Open(to, OpenMode::kCreateNew));
  std::vector<std::byte> buffer(std::min<uint64_t>(size, kCopyBytes));
  for (uint64_t offset = 0; offset < size;) {
    const Bytes wanted = Bytes(buffer).first(std::min<uint64_t>(buffer.size(), size - offset));
    RAWKV_ASSIGN_OR_RETURN(const size_t got, source->ReadAt(offset, wanted));
    if (got < wanted.size()) {
      return Status::Corruption("copy " + from + ": ends at " + std::to_string(offset + got) +
                                " instead of " + std::to_string(size));
    }
    RAWKV_RETURN_IF_ERROR(target->WriteAt(offset, wanted));
    offset += got;
  }
  return target->Sync();
}

Status WriteSynced(Fs& fs, const std::string& path, std::string_view content) {
  RAWKV_ASSIGN_OR_RETURN(const auto file, fs.Open(path, OpenMode::kCreateNew));
  RAWKV_RETURN_IF_ERROR(file->WriteAt(0, AsBytes(content)));
  return file->Sync();
}

// The files of the flushed state of the index at one moment.
struct LiveFiles {
  std::string manifest;  // name within the directory
  uint64_t manifest_bytes = 0;
  std::string options;  // name within the directory; empty if there is none
  std::vector<LinkedFile> tables;
};

// RocksDB lists names with a leading slash.
std::string_view WithoutSlash(std::string_view name) {
  return name.starts_with('/') ? name.substr(1) : name;
}

Result<LinkedFile> DescribeTable(const rocksdb::LiveFileMetaData& table, const std::string& dir) {
  LinkedFile file{.name = std::string(WithoutSlash(table.name)),
                  .size_bytes = table.size,
                  .is_sst = true,
                  .crc32c = table.file_checksum};
  if (table.file_checksum_func_name != rocksdb::kStandardDbFileChecksumFuncName ||
      table.file_checksum.size() != kCrc32cBytes) {
    return Status::Corruption(JoinPath(dir, file.name) +
                              ": listed without a CRC-32C; rebuild the working index");
  }
  return file;
}

// Checks that the copy of a table holds the bytes that RocksDB wrote.
Status CheckCopy(Fs& fs, const std::string& copy, const std::string& crc32c) {
  RAWKV_ASSIGN_OR_RETURN(const std::string actual, Crc32cOfFile(fs, copy));
  if (actual == crc32c) return {};
  return Status::Corruption(copy +
                            ": the copy of a table has another CRC-32C than the table was written with");
}

// GetLiveFilesStorageInfo would list all of this in one call. But it also lists RocksDB's own log files, of
// which rawkv has none, and in RocksDB 7.8 that can wait for ever: it waits until purges of obsolete files
// end, and misses their end while iterators are closed (RocksDB PR 14069).
//
// One call lists the names, another one the checksums of the tables. A compaction that ends in between
// removes tables from the second list; then both calls are repeated.
Result<LiveFiles> ListLiveFiles(rocksdb::DB& db, const std::string& dir, const std::string& what) {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    LiveFiles out;
    std::vector<std::string> names;
    RAWKV_RETURN_IF_ERROR(
        FromRocksdb(db.GetLiveFiles(names, &out.manifest_bytes, /*flush_memtable=*/false), what));
    std::vector<rocksdb::LiveFileMetaData> listed;
    db.GetLiveFilesMetaData(&listed);
    std::map<std::string_view, const rocksdb::LiveFileMetaData*> tables;
    for (const rocksdb::LiveFileMetaData& table : listed) tables.emplace(WithoutSlash(table.name), &table);
    bool complete = true;
    for (const std::string& listed_name : names) {
      const std::string_view name = WithoutSlash(listed_name);
      if (name.starts_with("MANIFEST-")) out.manifest = name;
      if (name.starts_with("OPTIONS-")) out.options = name;
      if (!name.ends_with(".sst")) continue;
      const auto table = tables.find(name);
      complete = complete && table != tables.end();
      if (!complete) break;
      RAWKV_ASSIGN_OR_RETURN(LinkedFile file, DescribeTable(*table->second, dir));
      out.tables.push_back(std::move(file));
    }
    if (!complete) continue;
    if (out.manifest.empty()) return Status::Corruption(what + ": RocksDB names no MANIFEST");
    return out;
  }
  return Status::Busy(what + ": compactions kept changing the list of files; try again");
}

enum class CloneAction : uint8_t { kLink, kCopy, kLeave };

// LOCK, IDENTITY, RocksDB's empty logs and temporary files are not part of the index.
CloneAction ActionFor(std::string_view name) {
  if (name.ends_with(".sst")) return CloneAction::kLink;
  if (name == "CURRENT" || name.starts_with("MANIFEST-")) return CloneAction::kCopy;
  if (name.starts_with("OPTIONS-") && !name.ends_with(".dbtmp")) return CloneAction::kCopy;
  return CloneAction::kLeave;
}

}  // namespace

Result<std::vector<LinkedFile>> LinkLiveFiles(rocksdb::DB& db, Fs& fs, const std::string& dir,
                                              const std::string& to, Deletions deletions) {
  const std::string what = "linking index " + dir + " into " + to;
  std::optional<DeletionsDisabled> disabled;
  if (deletions == Deletions::kDisable) {
    disabled.emplace(db);
    RAWKV_RETURN_IF_ERROR(FromRocksdb(disabled->status(), what));
  }

  RAWKV_ASSIGN_OR_RETURN(LiveFiles live, ListLiveFiles(db, dir, what));
  std::vector<LinkedFile> files = std::move(live.tables);
  for (const LinkedFile& table : files) {
    const std::string target = JoinPath(to, table.name);
    RAWKV_ASSIGN_OR_RETURN(const bool copied,
                           LinkOrCopy(fs, JoinPath(dir, table.name), target, table.size_bytes));
    if (copied) RAWKV_RETURN_IF_ERROR(CheckCopy(fs, target, table.crc32c));
  }
  RAWKV_RETURN_IF_ERROR(
      CopyPrefix(fs, JoinPath(dir, live.manifest), JoinPath(to, live.manifest), live.manifest_bytes));
  files.push_back({.name = live.manifest, .size_bytes = live.manifest_bytes, .crc32c = {}});
  if (!live.options.empty()) {
    RAWKV_ASSIGN_OR_RETURN(const FileStat stat, fs.Stat(JoinPath(dir, live.options)));
    RAWKV_RETURN_IF_ERROR(
        CopyPrefix(fs, JoinPath(dir, live.options), JoinPath(to, live.options), stat.size_bytes));
    files.push_back({.name = live.options, .size_bytes = stat.size_bytes, .crc32c = {}});
  }
  // RocksDB may begin another MANIFEST at any time, so CURRENT is written here and names the copied one.
  const std::string current = live.manifest + "\n";
  RAWKV_RETURN_IF_ERROR(WriteSynced(fs, JoinPath(to, "CURRENT"), current));
  files.push_back({.name = "CURRENT", .size_bytes = current.size(), .crc32c = {}});
  return files;
}

Status CloneIndex(Fs& fs, const std::string& from, const std::string& to) {
  Result<std::vector<std::string>> listed = fs.List(from);
  if (listed.status().code() == StatusCode::kNotFound) listed = std::vector<std::string>();
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, std::move(listed));
  if (std::find(names.begin(), names.end(), "CURRENT") == names.end()) {
    return Status::Corruption("clone " + from + ": no index there");
  }
  RAWKV_RETURN_IF_ERROR(fs.MakeDir(to));
  for (const std::string& name : names) {
    const std::string source = JoinPath(from, name);
    const std::string target = JoinPath(to, name);
    switch (ActionFor(name)) {
      case CloneAction::kLink: {
        RAWKV_ASSIGN_OR_RETURN(const FileStat stat, fs.Stat(source));
        if (stat.kind != FileKind::kRegular) return Status::Corruption(source + ": not a regular file");
        RAWKV_RETURN_IF_ERROR(LinkOrCopy(fs, source, target, stat.size_bytes).status());
        break;
      }
      case CloneAction::kCopy:
        RAWKV_RETURN_IF_ERROR(CopyFileSynced(fs, source, target, kMaxCopiedFileBytes));
        break;
      case CloneAction::kLeave:
        break;
    }
  }
  return fs.SyncDir(to);
}

Result<std::string> Crc32cOfFile(Fs& fs, const std::string& path) {
  const std::unique_ptr<rocksdb::FileChecksumGenerator> crc =
      rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator({});
  RAWKV_ASSIGN_OR_RETURN(const auto file, fs.Open(path, OpenMode::kRead));
  std::vector<std::byte> buffer(kCopyBytes);
  for (uint64_t offset = 0;;) {
    RAWKV_ASSIGN_OR_RETURN(const size_t got, file->ReadAt(offset, buffer));
    crc->Update(reinterpret_cast<const char*>(buffer.data()), got);
    offset += got;
    if (got < buffer.size()) break;
  }
  crc->Finalize();
  return crc->GetChecksum();
}

}  // namespace rawkv
