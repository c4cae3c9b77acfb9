#include <algorithm>
#include <cstring>

#include "base/exception_status.h"
#include "base/fs_ops.h"
#include "base/resolve_path.h"
#include "engine/transfer/chunk_transfer.h"
#include "engine/transfer/export_dir.h"

namespace rawkv {
namespace {

class DirectoryReader final : public ExportReader {
 public:
  DirectoryReader(Fs& fs, std::string dir, LoadedManifest loaded)
      : fs_(fs), dir_(std::move(dir)), file_(std::move(loaded.file)), manifest_(std::move(loaded.manifest)) {
    summary_ = {.version = manifest_.version,
                .chunk_count = manifest_.chunks.size() + 1,
                .chunk_bytes_max = file_.size(),
                .bytes = file_.size(),
                .hash = Sha256Of(AsBytes(file_))};
    for (const ExportChunk& chunk : manifest_.chunks) {
      summary_.chunk_bytes_max = std::max(summary_.chunk_bytes_max, chunk.bytes);
      summary_.bytes += chunk.bytes;
    }
  }

  const ExportSummary& summary() const override { return summary_; }

  Result<uint64_t> Read(uint64_t number, Bytes out) override {
    return NoThrow([&]() -> Result<uint64_t> {
      if (number >= summary_.chunk_count) {
        return Status::InvalidArgument("there is no chunk " + std::to_string(number) + "; the export has " +
                                       std::to_string(summary_.chunk_count));
      }
      if (number == 0) return Put(file_, out);
      const ExportChunk& chunk = manifest_.chunks[number - 1];
      RAWKV_RETURN_IF_ERROR(CheckRoom(chunk.bytes, out));
      Result<std::string> file = ReadFile(fs_, JoinPath(dir_, chunk.name), kMaxChunkBytes);
      if (file.status().code() == StatusCode::kNotFound) {
        return Status::Corruption(dir_ + ": " + chunk.name + " is missing");
      }
      if (!file.ok()) return file.status();
      RAWKV_RETURN_IF_ERROR(
          ReadChunk(chunk, *file, [](const ChunkFragment&) { return Status::Ok(); }).WithContext(dir_));
      return Put(*file, out);
    });
  }

 private:
  static Status CheckRoom(uint64_t bytes, Bytes out) {
    if (bytes <= out.size()) return Status::Ok();
    return Status::InvalidArgument("the chunk has " + std::to_string(bytes) + " bytes, the buffer " +
                                   std::to_string(out.size()));
  }
  static Result<uint64_t> Put(std::string_view bytes, Bytes out) {
    RAWKV_RETURN_IF_ERROR(CheckRoom(bytes.size(), out));
    std::memcpy(out.data(), bytes.data(), bytes.size());
    return bytes.size();
  }

  Fs& fs_;
  const std::string dir_;
  const std::string file_;  // of the manifest
  const ExportManifest manifest_;
  ExportSummary summary_;
};

}  // namespace

Result<std::unique_ptr<ExportReader>> ExportReader::Open(const std::string& export_dir,
                                                         const Environment& env) {
  return NoThrow([&]() -> Result<std::unique_ptr<ExportReader>> {
    const std::string dir = ResolvePath(*env.fs, export_dir);
    RAWKV_ASSIGN_OR_RETURN(LoadedManifest loaded, LoadExportManifest(*env.fs, dir));
    auto reader = std::make_unique<DirectoryReader>(*env.fs, dir, std::move(loaded));
    if (reader->summary().chunk_bytes_max > kMaxTransferChunkBytes) {
      return Status::NotSupported(dir + ": a chunk has " + std::to_string(reader->summary().chunk_bytes_max) +
                                  " bytes, and " + std::to_string(kMaxTransferChunkBytes) +
                                  " can be sent; make the export again with another chunk size");
    }
    return std::unique_ptr<ExportReader>(std::move(reader));
  });
}

}  // namespace rawkv
