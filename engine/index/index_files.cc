#include "engine/index/index_files.h"

#include <rocksdb/db.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/metadata.h>
#include <rocksdb/options.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

#include "base/fs_ops.h"
#include "engine/index/rocksdb_status.h"

namespace rawkv {
namespace {

constexpr size_t kCopyBytes = 1 << 20;
constexpr size_t kCrc32cBytes = 4;
// A manifest is replaced at 16 MiB (rocksdb_options.cc); only what one record adds comes on top.
constexpr uint64_t kMaxCopiedFileBytes = 256ull << 20;

// While it lives, RocksDB removes no file of the database.
class DeletionsDisabled {
 public:
  explicit DeletionsDisabled(rocksdb::DB& db) : db_(db), status_(db.DisableFileDeletions()) {}
  ~DeletionsDisabled() {
    // Not forced: after a failed manifest write RocksDB has its own reason to keep them off.
    if (status_.ok()) db_.EnableFileDeletions(/*force=*/false).PermitUncheckedError();
  }
  DeletionsDisabled(const DeletionsDisabled&) = delete;
  DeletionsDisabled& operator=(const DeletionsDisabled&) = delete;
  const rocksdb::Status& status() const { return status_; }

 private:
  rocksdb::DB& db_;
  const rocksdb::Status status_;
};

// The first `size` bytes, synced: RocksDB may be appending to the file.
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

Result<LinkedFile> LinkOne(const rocksdb::LiveFileStorageInfo& info, Fs& fs, const std::string& dir,
                           const std::string& to) {
  LinkedFile file{.name = info.relative_filename, .size_bytes = info.size, .crc32c = {}};
  const std::string source = JoinPath(dir, file.name);
  const std::string target = JoinPath(to, file.name);
  if (!info.replacement_contents.empty()) {
    RAWKV_RETURN_IF_ERROR(WriteSynced(fs, target, info.replacement_contents));
  } else if (info.file_type == rocksdb::kTableFile) {
    if (info.file_checksum_func_name != rocksdb::kStandardDbFileChecksumFuncName ||
        info.file_checksum.size() != kCrc32cBytes) {
      return Status::Corruption(source + ": listed without a CRC-32C; rebuild the working index");
    }
    file.is_sst = true;
    file.crc32c = info.file_checksum;
    RAWKV_RETURN_IF_ERROR(fs.Link(source, target));
  } else {
    RAWKV_RETURN_IF_ERROR(CopyPrefix(fs, source, target, info.size));
  }
  return file;
}

enum class CloneAction : uint8_t { kLink, kCopy, kLeave };

// LOCK, IDENTITY, logs (empty) and temporary files are not part of the index.
CloneAction ActionFor(std::string_view name) {
  if (name.ends_with(".sst")) return CloneAction::kLink;
  if (name == "CURRENT" || name.starts_with("MANIFEST-")) return CloneAction::kCopy;
  if (name.starts_with("OPTIONS-") && !name.ends_with(".dbtmp")) return CloneAction::kCopy;
  return CloneAction::kLeave;
}

}  // namespace

Result<std::vector<LinkedFile>> LinkLiveFiles(rocksdb::DB& db, Fs& fs, const std::string& dir,
                                              const std::string& to) {
  const std::string what = "linking index " + dir + " into " + to;
  const DeletionsDisabled deletions_disabled(db);
  RAWKV_RETURN_IF_ERROR(FromRocksdb(deletions_disabled.status(), what));

  rocksdb::LiveFilesStorageInfoOptions options;
  options.include_checksum_info = true;
  options.wal_size_for_flush = std::numeric_limits<uint64_t>::max();  // never flushes
  std::vector<rocksdb::LiveFileStorageInfo> infos;
  RAWKV_RETURN_IF_ERROR(FromRocksdb(db.GetLiveFilesStorageInfo(options, &infos), what));

  std::vector<LinkedFile> files;
  for (const rocksdb::LiveFileStorageInfo& info : infos) {
    if (info.file_type == rocksdb::kWalFile) continue;
    RAWKV_ASSIGN_OR_RETURN(LinkedFile file, LinkOne(info, fs, dir, to));
    files.push_back(std::move(file));
  }
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
        RAWKV_RETURN_IF_ERROR(fs.Link(source, target));
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
