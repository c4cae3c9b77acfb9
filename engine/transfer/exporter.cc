#include "engine/transfer/exporter.h"

#include <algorithm>

#include "base/fs_ops.h"
#include "base/resolve_path.h"
#include "engine/transfer/export_dir.h"
#include "snapshot/export_format.h"

namespace rawkv {
namespace {

constexpr uint64_t kPieceBytes = 4ull << 20;

Status WriteNewFile(Fs& fs, const std::string& path, std::string_view content) {
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs.Open(path, OpenMode::kCreateNew));
  RAWKV_RETURN_IF_ERROR(file->WriteAt(0, AsBytes(content)));
  return file->Sync();
}

Status WriteValue(PayloadIo& payload, const StoredValue& value, ChunkWriter& writer, std::string& buffer) {
  if (value.is_inline()) return writer.AppendValue(AsBytes(std::get<std::string>(value.data)));
  const PayloadRef& ref = std::get<PayloadRef>(value.data);
  for (uint64_t at = 0; at < ref.length; at += kPieceBytes) {
    const uint64_t n = std::min(kPieceBytes, ref.length - at);
    buffer.resize(n);
    RAWKV_RETURN_IF_ERROR(
        payload.Read({.ref = &ref, .offset = at, .length = n, .out = AsWritableBytes(buffer), .status = {}}));
    RAWKV_RETURN_IF_ERROR(writer.AppendValue(AsBytes(buffer)));
  }
  return Status::Ok();
}

// Writes the chunks, then ORIGIN, then MANIFEST, which completes the export.
Status WriteExport(StoreContext& c, const EngineView& view, PayloadIo& payload, const ExportOptions& options,
                   const std::string& out) {
  Fs& fs = *c.env.fs;
  ExportManifest manifest{
      .chunk_bytes = options.chunk_bytes, .version = view.version(), .base = {}, .digest = {}, .chunks = {}};
  ChunkWriter writer(options.chunk_bytes, [&](const ExportChunk& chunk, std::string_view file) -> Status {
    RAWKV_RETURN_IF_ERROR(WriteNewFile(fs, JoinPath(out, chunk.name), file));
    manifest.chunks.push_back(chunk);
    if (options.progress) options.progress({"export", manifest.value_bytes, 0, "bytes"});
    return Status::Ok();
  });
  const std::unique_ptr<IndexCursor> cursor = view.index().NewCursor("", "", view.point());
  std::string buffer;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    RAWKV_ASSIGN_OR_RETURN(const IndexEntry entry, cursor->entry());
    RAWKV_RETURN_IF_ERROR(writer.BeginKey(cursor->key(), entry.value.length()));
    RAWKV_RETURN_IF_ERROR(WriteValue(payload, entry.value, writer, buffer));
    ++manifest.key_count;
    manifest.value_bytes += entry.value.length();
  }
  RAWKV_RETURN_IF_ERROR(cursor->status());
  RAWKV_RETURN_IF_ERROR(writer.Finish());
  const ExportOrigin origin{c.identity.store_uuid, view.commit().lineage, c.env.clock->NowUnixMs()};
  RAWKV_RETURN_IF_ERROR(WriteNewFile(fs, JoinPath(out, kExportOriginName), EncodeExportOrigin(origin)));
  RAWKV_RETURN_IF_ERROR(fs.SyncDir(out));
  return WriteFileAtomic(fs, JoinPath(out, kExportManifestName), AsBytes(EncodeExportManifest(manifest)));
}

}  // namespace

Status ExportView(StoreContext& c, const EngineView& view, PayloadIo& payload, const ExportOptions& options) {
  Fs& fs = *c.env.fs;
  if (options.chunk_bytes < (1u << 20) || options.chunk_bytes > kMaxChunkBytes) {
    return Status::InvalidArgument("chunk_bytes must be from 1 to 16 MiB, not " +
                                   std::to_string(options.chunk_bytes));
  }
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<ExportDir> out,
                         ExportDir::Claim(fs, ResolvePath(fs, options.out)));
  const Status written = WriteExport(c, view, payload, options, out->path());
  if (written.ok()) out->Finish();
  if (written.ok() || out->Abandon().ok()) return written;
  return written.WithContext("the cleanup failed, too, so an unfinished export is left in " + out->path());
}

}  // namespace rawkv
