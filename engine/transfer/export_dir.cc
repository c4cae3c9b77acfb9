#include "engine/transfer/export_dir.h"

#include <algorithm>

#include "base/fs_ops.h"
#include "snapshot/export_layout.h"

namespace rawkv {
namespace {

constexpr std::string_view kMarkName = "EXPORTING";

// "chunk-" and eight digits.
bool IsChunkName(std::string_view name) {
  constexpr std::string_view kPrefix = "chunk-";
  return name.size() == kPrefix.size() + 8 && name.starts_with(kPrefix) &&
         name.find_first_not_of("0123456789", kPrefix.size()) == std::string_view::npos;
}

// Large enough for the rows of every manifest.
constexpr uint64_t kMaxExportProgressBytes = 2 * kMaxExportManifestBytes;

}  // namespace

Status WriteNewFile(Fs& fs, const std::string& path, std::string_view content) {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs.Open(path, OpenMode::kCreateNew));
  RAWKV_RETURN_IF_ERROR(file->WriteAt(0, AsBytes(content)));
  return file->Sync();
}

Result<LoadedManifest> LoadExportManifest(Fs& fs, const std::string& in) {
  const std::string path = JoinPath(in, kExportManifestName);
  Result<std::string> file = ReadFile(fs, path, kMaxExportManifestBytes);
  if (!file.ok()) {
    if (file.status().code() != StatusCode::kNotFound) return file.status();
    return Status::FailedPrecondition(in +
                                      ": no export here (its MANIFEST is missing; an export that was not "
                                      "finished has none)");
  }
  Result<ExportManifest> manifest = DecodeExportManifest(*file);
  if (!manifest.ok()) return manifest.status().WithContext(path);
  if (manifest->base) return Status::NotSupported(path + ": increments are not supported yet");
  return LoadedManifest{*std::move(file), *std::move(manifest)};
}

std::string ExportDir::MarkPath() const {
  return JoinPath(dir_, kMarkName);
}

Result<std::unique_ptr<ExportDir>> ExportDir::Claim(Fs& fs, const std::string& dir,
                                                    const ExportIdentity& identity) {
  std::unique_ptr<ExportDir> out(new ExportDir(fs, dir, identity));
  const Result<std::vector<std::string>> names = fs.List(dir);
  if (names.ok()) {
    RAWKV_RETURN_IF_ERROR(out->CheckClaimable(*names));
  } else {
    if (names.status().code() != StatusCode::kNotFound) return names.status();
    RAWKV_RETURN_IF_ERROR(out->MakeDir());
  }
  Result<std::unique_ptr<FileLock>> lock = fs.Lock(out->MarkPath());
  if (!lock.ok()) {
    if (lock.status().code() != StatusCode::kBusy && out->made_dir_) (void)fs.RemoveDir(dir);
    if (lock.status().code() != StatusCode::kBusy) return lock.status();
    return Status::Busy(dir + ": another export is writing to it; name another directory");
  }
  out->lock_ = *std::move(lock);
  const Status begun = out->BeginExport();
  if (begun.ok()) return out;
  return begun;
}

Status ExportDir::MakeDir() {
  const Status made = MakeDirSynced(fs_, dir_);
  if (made.code() == StatusCode::kNotFound) {
    return Status::FailedPrecondition(dir_ + ": its parent directory does not exist (" + made.message() +
                                      "); make it first");
  }
  made_dir_ = made.ok();
  // If another process has just made the directory, the lock decides between the two.
  return made.code() == StatusCode::kFailedPrecondition ? Status::Ok() : made;
}

Status ExportDir::CheckClaimable(const std::vector<std::string>& names) const {
  const auto has = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (has(kExportManifestName)) {
    return Status::FailedPrecondition(dir_ + " is not empty: it holds an export; name another directory");
  }
  const bool free = has(kMarkName) || std::all_of(names.begin(), names.end(), [&](const std::string& name) {
                      return IsLostAndFound(fs_, dir_, name);
                    });
  return free ? Status::Ok() : Status::FailedPrecondition(dir_ + " is not empty; name another directory");
}

Status ExportDir::BeginExport() {
  // Check again under the lock: another export may have finished in between. Then Claim has just made a mark
  // next to a finished export, and removes it.
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(dir_));
  if (const Status judged = CheckClaimable(names); !judged.ok()) {
    (void)fs_.RemoveFile(MarkPath());
    return judged;
  }
  Status begun = fs_.SyncDir(dir_);
  if (begun.ok()) begun = FindKept();
  if (begun.ok()) begun = RemoveOwnFiles();
  if (begun.ok()) begun = BeginProgress();
  if (begun.ok()) return begun;
  const Status abandoned = Abandon();  // the first error is the one to report
  if (abandoned.ok() && made_dir_) (void)fs_.RemoveDir(dir_);
  return begun;
}

Status ExportDir::FindKept() {
  const Result<std::string> file = ReadFile(fs_, MarkPath(), kMaxExportProgressBytes);
  // Without it the export begins again.
  const std::optional<ExportProgress> progress = file.ok() ? DecodeExportProgress(*file) : std::nullopt;
  if (!progress || progress->identity != identity_) return Status::Ok();
  for (const ExportChunk& chunk : progress->chunks) {
    const Result<std::string> content = ReadFile(fs_, JoinPath(dir_, chunk.name), kMaxChunkBytes);
    if (!content.ok()) return Status::Ok();
    Kept kept{.chunk = chunk};
    const Status whole = ReadChunk(chunk, *content, [&](const ChunkFragment& fragment) {
      if (fragment.offset == 0) {
        ++kept.keys;
        kept.value_bytes += fragment.value_length;
      }
      kept.last = {fragment.value_length, fragment.offset + fragment.bytes.size()};
      return Status::Ok();
    });
    if (!whole.ok()) return Status::Ok();
    kept_.push_back(std::move(kept));
  }
  return Status::Ok();
}

Status ExportDir::BeginProgress() {
  RAWKV_ASSIGN_OR_RETURN(progress_, fs_.Open(MarkPath(), OpenMode::kReadWrite));
  std::string bytes = EncodeExportIdentity(identity_);
  for (const Kept& kept : kept_) bytes += EncodeExportRow(kept.chunk);
  RAWKV_RETURN_IF_ERROR(progress_->Truncate(0));
  RAWKV_RETURN_IF_ERROR(progress_->WriteAt(0, AsBytes(bytes)));
  progress_bytes_ = bytes.size();
  return Status::Ok();
}

Status ExportDir::WriteChunk(const ExportChunk& chunk, std::string_view file) {
  RAWKV_RETURN_IF_ERROR(WriteNewFile(fs_, JoinPath(dir_, chunk.name), file));
  // Not synced: a row that a power cut loses costs only the time to write its chunk again.
  const std::string row = EncodeExportRow(chunk);
  RAWKV_RETURN_IF_ERROR(progress_->WriteAt(progress_bytes_, AsBytes(row)));
  progress_bytes_ += row.size();
  return Status::Ok();
}

Status ExportDir::RemoveOwnFiles() {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(dir_));
  const std::string half_made = std::string(kExportManifestName) + ".tmp";
  const std::string first_dropped = ChunkName(kept_.size());  // names of chunks sort by number
  for (const std::string& name : names) {
    const bool dropped = IsChunkName(name) && name >= first_dropped;
    if (!dropped && name != kExportOriginName && name != half_made) continue;
    RAWKV_RETURN_IF_ERROR(AbsentIsOk(fs_.RemoveFile(JoinPath(dir_, name))));
  }
  return Status::Ok();
}

void ExportDir::Finish() {
  (void)fs_.RemoveFile(MarkPath());
}

Status ExportDir::Abandon() {
  // Removes a MANIFEST whose name could not be synced, durably, before the files that it names.
  const Status removed = fs_.RemoveFile(JoinPath(dir_, kExportManifestName));
  RAWKV_RETURN_IF_ERROR(AbsentIsOk(removed));
  if (removed.ok()) RAWKV_RETURN_IF_ERROR(fs_.SyncDir(dir_));
  kept_.clear();
  RAWKV_RETURN_IF_ERROR(RemoveOwnFiles());
  // A power cut must not restore chunks without the mark.
  RAWKV_RETURN_IF_ERROR(fs_.SyncDir(dir_));
  progress_.reset();
  RAWKV_RETURN_IF_ERROR(AbsentIsOk(fs_.RemoveFile(MarkPath())));
  lock_.reset();
  return Status::Ok();
}

}  // namespace rawkv
