#include <algorithm>
#include <optional>

#include "base/exception_status.h"
#include "base/fs_ops.h"
#include "base/mutex.h"
#include "base/resolve_path.h"
#include "engine/transfer/chunk_transfer.h"
#include "engine/transfer/export_dir.h"

namespace rawkv {
namespace {

// The mark of an unfinished receipt, which the receiver holds locked.
constexpr std::string_view kReceivingName = "RECEIVING";
// The manifest until all chunks are there. So an unfinished receipt has no MANIFEST, and is no export.
constexpr std::string_view kReceivedManifestName = "MANIFEST.received";

class DirectoryReceiver final : public ExportReceiver {
 public:
  DirectoryReceiver(Fs& fs, std::string dir, const Sha256Digest& hash)
      : fs_(fs), dir_(std::move(dir)), hash_(hash) {}

  Status Claim() {
    const MutexLock lock(mu_);
    Result<std::vector<std::string>> names = fs_.List(dir_);
    if (names.status().code() == StatusCode::kNotFound) {
      const Status made = MakeDirSynced(fs_, dir_);
      // Another receiver may just have made it; the lock decides between the two.
      if (!made.ok() && made.code() != StatusCode::kFailedPrecondition) return made;
      names = fs_.List(dir_);
    }
    if (!names.ok()) return names.status();
    if (IsFinished(*names)) {
      RAWKV_ASSIGN_OR_RETURN(LoadedManifest loaded, LoadExportManifest(fs_, dir_));
      RAWKV_RETURN_IF_ERROR(Accept(std::move(loaded.manifest)));
      complete_ = true;
      return Status::Ok();
    }
    RAWKV_RETURN_IF_ERROR(CheckClaimable(*names));
    Result<std::unique_ptr<FileLock>> held = fs_.Lock(Path(kReceivingName));
    if (held.status().code() == StatusCode::kBusy) {
      return Status::Busy(dir_ + ": another receiver uses it; name another directory");
    }
    RAWKV_RETURN_IF_ERROR(held.status());
    lock_ = *std::move(held);
    RAWKV_RETURN_IF_ERROR(fs_.SyncDir(dir_));
    return Resume();
  }

  Status Add(uint64_t number, ConstBytes chunk) override {
    return NoThrow([&]() -> Status {
      const MutexLock lock(mu_);
      if (chunk.size() > kMaxTransferChunkBytes) {
        return Status::InvalidArgument(Named(number) + " has " + std::to_string(chunk.size()) +
                                       " bytes, the limit is " + std::to_string(kMaxTransferChunkBytes));
      }
      RAWKV_RETURN_IF_ERROR(number == 0 ? AddManifest(chunk) : AddFile(number, chunk));
      return FinishIfComplete();
    });
  }

  bool complete() const override {
    const MutexLock lock(mu_);
    return complete_;
  }

  std::vector<uint64_t> Missing(uint64_t limit) const override {
    const MutexLock lock(mu_);
    std::vector<uint64_t> out;
    (void)NoThrow([&]() -> Status {
      if (!manifest_ && limit > 0) out.push_back(0);
      for (uint64_t i = 0; i < present_.size() && out.size() < limit; ++i) {
        if (!present_[i]) out.push_back(i + 1);
      }
      return {};
    });
    return out;
  }

 private:
  std::string Path(std::string_view name) const { return JoinPath(dir_, name); }
  static std::string Named(uint64_t number) { return "chunk " + std::to_string(number); }

  Status CheckClaimable(const std::vector<std::string>& names) const {
    for (const std::string& name : names) {
      if (name == kReceivingName) return Status::Ok();
    }
    for (const std::string& name : names) {
      if (IsLostAndFound(fs_, dir_, name)) continue;
      return Status::FailedPrecondition(dir_ + " is not empty; name another directory");
    }
    return Status::Ok();
  }

  // Whether the directory is the finished export already.
  bool IsFinished(const std::vector<std::string>& names) const {
    if (std::find(names.begin(), names.end(), kReceivingName) != names.end()) return false;
    const Result<std::string> file = ReadFile(fs_, Path(kExportManifestName), kMaxTransferChunkBytes);
    return file.ok() && Sha256Of(AsBytes(*file)) == hash_;
  }

  // Continues with what an earlier receiver has left.
  Status Resume() RAWKV_REQUIRES(mu_) {
    // A receiver that a crash ended after its last step, or whose last sync failed.
    const Status back = fs_.Rename(Path(kExportManifestName), Path(kReceivedManifestName));
    RAWKV_RETURN_IF_ERROR(AbsentIsOk(back));
    if (back.ok()) RAWKV_RETURN_IF_ERROR(fs_.SyncDir(dir_));
    const Result<std::string> file = ReadFile(fs_, Path(kReceivedManifestName), kMaxTransferChunkBytes);
    if (file.ok() && Sha256Of(AsBytes(*file)) == hash_) {
      RAWKV_ASSIGN_OR_RETURN(ExportManifest manifest, DecodeManifest(AsBytes(*file)));
      RAWKV_RETURN_IF_ERROR(Accept(std::move(manifest)));
    } else if (!file.ok() && file.status().code() != StatusCode::kNotFound &&
               file.status().code() != StatusCode::kCorruption) {
      return file.status();
    }
    RAWKV_RETURN_IF_ERROR(RemoveOthers());
    return FinishIfComplete();
  }

  Result<ExportManifest> DecodeManifest(ConstBytes file) const {
    Result<ExportManifest> manifest = DecodeExportManifest(AsStringView(file));
    if (!manifest.ok()) return manifest.status().WithContext(Named(0));
    if (manifest->base) return Status::NotSupported(Named(0) + ": increments are not supported yet");
    return manifest;
  }

  // Finds the chunks of the manifest that are there. A chunk that cannot be read now is no reason to fetch it
  // again, so such an error is returned.
  Status Accept(ExportManifest manifest) RAWKV_REQUIRES(mu_) {
    std::vector<bool> present(manifest.chunks.size(), false);
    for (size_t i = 0; i < present.size(); ++i) {
      const ExportChunk& chunk = manifest.chunks[i];
      const Result<std::string> content = ReadFile(fs_, Path(chunk.name), kMaxChunkBytes);
      const Status whole = content.ok() ? IsWhole(chunk, *content) : content.status();
      present[i] = whole.ok();
      const bool absent = whole.code() == StatusCode::kNotFound || whole.code() == StatusCode::kCorruption;
      if (!whole.ok() && !absent) return whole;
    }
    manifest_ = std::move(manifest);
    present_ = std::move(present);
    return Status::Ok();
  }

  static Status IsWhole(const ExportChunk& chunk, std::string_view file) {
    return ReadChunk(chunk, file, [](const ChunkFragment&) { return Status::Ok(); });
  }

  // Removes everything but the mark, the manifest and the chunks that are whole.
  Status RemoveOthers() RAWKV_REQUIRES(mu_) {
    std::vector<std::string> kept = {std::string(kReceivingName)};
    if (manifest_) {
      kept.emplace_back(kReceivedManifestName);
      for (size_t i = 0; i < present_.size(); ++i) {
        if (present_[i]) kept.push_back(manifest_->chunks[i].name);
      }
    }
    std::sort(kept.begin(), kept.end());
    RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(dir_));
    for (const std::string& name : names) {
      if (std::binary_search(kept.begin(), kept.end(), name) || IsLostAndFound(fs_, dir_, name)) continue;
      RAWKV_RETURN_IF_ERROR(AbsentIsOk(fs_.RemoveFile(Path(name))));
    }
    return Status::Ok();
  }

  Status AddManifest(ConstBytes chunk) RAWKV_REQUIRES(mu_) {
    if (Sha256Of(chunk) != hash_) {
      return Status::Corruption(Named(0) + ": its SHA-256 is not the hash of the export");
    }
    if (manifest_) return Status::Ok();
    RAWKV_ASSIGN_OR_RETURN(ExportManifest manifest, DecodeManifest(chunk));
    RAWKV_RETURN_IF_ERROR(WriteFileAtomic(fs_, Path(kReceivedManifestName), chunk));
    return Accept(std::move(manifest));
  }

  Status AddFile(uint64_t number, ConstBytes chunk) RAWKV_REQUIRES(mu_) {
    if (!manifest_) {
      return Status::FailedPrecondition(Named(number) +
                                        " cannot be verified before chunk 0, which holds its checksum");
    }
    if (number > present_.size()) {
      return Status::InvalidArgument("there is no " + Named(number) + "; the export has " +
                                     std::to_string(present_.size() + 1));
    }
    const ExportChunk& row = manifest_->chunks[number - 1];
    RAWKV_RETURN_IF_ERROR(IsWhole(row, AsStringView(chunk)).WithContext(Named(number)));
    if (present_[number - 1]) return Status::Ok();
    RAWKV_RETURN_IF_ERROR(WriteFileAtomic(fs_, Path(row.name), chunk));
    present_[number - 1] = true;
    return Status::Ok();
  }

  // Makes the directory an export once all chunks are durable.
  Status FinishIfComplete() RAWKV_REQUIRES(mu_) {
    if (complete_ || !manifest_) return Status::Ok();
    if (std::find(present_.begin(), present_.end(), false) != present_.end()) return Status::Ok();
    if (!renamed_) {
      RAWKV_RETURN_IF_ERROR(fs_.Rename(Path(kReceivedManifestName), Path(kExportManifestName)));
      renamed_ = true;
    }
    RAWKV_RETURN_IF_ERROR(fs_.SyncDir(dir_));
    (void)fs_.RemoveFile(Path(kReceivingName));  // the mark means nothing now
    complete_ = true;
    return Status::Ok();
  }

  Fs& fs_;
  const std::string dir_;
  const Sha256Digest hash_;
  std::unique_ptr<FileLock> lock_;
  mutable Mutex mu_;
  std::optional<ExportManifest> manifest_ RAWKV_GUARDED_BY(mu_);
  std::vector<bool> present_ RAWKV_GUARDED_BY(mu_);
  bool renamed_ RAWKV_GUARDED_BY(mu_) = false;   // the manifest has its name
  bool complete_ RAWKV_GUARDED_BY(mu_) = false;  // and durably so
};

}  // namespace

Result<std::unique_ptr<ExportReceiver>> ExportReceiver::Open(const std::string& dir,
                                                             const std::array<std::byte, 32>& hash,
                                                             const Environment& env) {
  return NoThrow([&]() -> Result<std::unique_ptr<ExportReceiver>> {
    auto receiver = std::make_unique<DirectoryReceiver>(*env.fs, ResolvePath(*env.fs, dir), hash);
    RAWKV_RETURN_IF_ERROR(receiver->Claim());
    return std::unique_ptr<ExportReceiver>(std::move(receiver));
  });
}

}  // namespace rawkv
