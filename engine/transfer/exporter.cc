#include "engine/transfer/exporter.h"

#include <algorithm>

#include "base/fs_ops.h"
#include "base/resolve_path.h"
#include "engine/transfer/export_dir.h"
#include "snapshot/export_format.h"

namespace rawkv {
namespace {

constexpr uint64_t kPieceBytes = 4ull << 20;

// Writes the bytes of a value from `begin` on.
Status WriteValue(PayloadIo& payload, const StoredValue& value, uint64_t begin, ChunkWriter& writer,
                  std::string& buffer) {
  if (value.is_inline()) {
    return writer.AppendValue(AsBytes(std::string_view(std::get<std::string>(value.data)).substr(begin)));
  }
  const PayloadRef& ref = std::get<PayloadRef>(value.data);
  for (uint64_t at = begin; at < ref.length; at += kPieceBytes) {
    const uint64_t n = std::min(kPieceBytes, ref.length - at);
    buffer.resize(n);
    RAWKV_RETURN_IF_ERROR(
        payload.Read({.ref = &ref, .offset = at, .length = n, .out = AsWritableBytes(buffer), .status = {}}));
    RAWKV_RETURN_IF_ERROR(writer.AppendValue(AsBytes(buffer)));
  }
  return Status::Ok();
}

// Lets writer and cursor continue after the chunks of an interrupted export, and counts them in the
// manifest.
Status Resume(ExportDir& out, IndexCursor& cursor, PayloadIo& payload, ChunkWriter& writer,
              ExportManifest& manifest) {
  for (const ExportDir::Kept& kept : out.kept()) {
    RAWKV_RETURN_IF_ERROR(writer.SkipChunk(kept.chunk, kept.last));
    manifest.chunks.push_back(kept.chunk);
    manifest.key_count += kept.keys;
    manifest.value_bytes += kept.value_bytes;
  }
  const ExportDir::Kept& newest = out.kept().back();
  cursor.Seek(newest.chunk.last_key);
  RAWKV_RETURN_IF_ERROR(cursor.status());
  const Status other = Status::Corruption(out.path() + ": " + newest.chunk.name +
                                          " is not of this version; it is removed, repeat the export");
  if (!cursor.Valid() || cursor.key() != newest.chunk.last_key) return other;
  RAWKV_ASSIGN_OR_RETURN(const IndexEntry entry, cursor.entry());
  if (entry.value.length() != newest.last.value_length) return other;
  std::string buffer;
  RAWKV_RETURN_IF_ERROR(WriteValue(payload, entry.value, newest.last.end_offset, writer, buffer));
  cursor.Next();
  return Status::Ok();
}

// Writes the chunks, then ORIGIN, then MANIFEST, which completes the export.
Status WriteExport(StoreContext& c, const EngineView& view, PayloadIo& payload, const ExportOptions& options,
                   ExportDir& out) {
  Fs& fs = *c.env.fs;
  ExportManifest manifest{
      .chunk_bytes = options.chunk_bytes, .version = view.version(), .base = {}, .digest = {}, .chunks = {}};
  ChunkWriter writer(options.chunk_bytes, [&](const ExportChunk& chunk, std::string_view file) -> Status {
    RAWKV_RETURN_IF_ERROR(out.WriteChunk(chunk, file));
    manifest.chunks.push_back(chunk);
    if (options.progress) options.progress({"export", manifest.value_bytes, 0, "bytes"});
    return Status::Ok();
  });
  const std::unique_ptr<IndexCursor> cursor = view.index().NewCursor("", "", view.point());
  if (out.kept().empty()) {
    cursor->SeekToFirst();
  } else {
    RAWKV_RETURN_IF_ERROR(Resume(out, *cursor, payload, writer, manifest));
    c.env.logger->Log(LogLevel::kInfo, out.path() + ": resumed the export after " +
                                           std::to_string(out.kept().size()) + " finished chunks");
  }
  std::string buffer;
  for (; cursor->Valid(); cursor->Next()) {
    RAWKV_ASSIGN_OR_RETURN(const IndexEntry entry, cursor->entry());
    RAWKV_RETURN_IF_ERROR(writer.BeginKey(cursor->key(), entry.value.length()));
    RAWKV_RETURN_IF_ERROR(WriteValue(payload, entry.value, 0, writer, buffer));
    ++manifest.key_count;
    manifest.value_bytes += entry.value.length();
  }
  RAWKV_RETURN_IF_ERROR(cursor->status());
  RAWKV_RETURN_IF_ERROR(writer.Finish());
  const CommitRecord& commit = view.commit();
  const ExportOrigin origin{c.identity.store_uuid, commit.lineage, c.env.clock->NowUnixMs(),
                            ExportedCommit{commit.version, commit.time_unix_ms, commit.metadata}};
  RAWKV_RETURN_IF_ERROR(
      WriteNewFile(fs, JoinPath(out.path(), kExportOriginName), EncodeExportOrigin(origin)));
  RAWKV_RETURN_IF_ERROR(fs.SyncDir(out.path()));
  return WriteFileAtomic(fs, JoinPath(out.path(), kExportManifestName),
                         AsBytes(EncodeExportManifest(manifest)));
}

}  // namespace

Status ExportView(StoreContext& c, const EngineView& view, PayloadIo& payload, const ExportOptions& options) {
  Fs& fs = *c.env.fs;
  if (options.chunk_bytes < (1u << 20) || options.chunk_bytes > kMaxChunkBytes) {
    return Status::InvalidArgument("chunk_bytes must be from 1 to 16 MiB, not " +
                                   std::to_string(options.chunk_bytes));
  }
  const ExportIdentity identity{c.identity.store_uuid, view.commit().lineage, view.version(),
                                options.chunk_bytes};
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<ExportDir> out,
                         ExportDir::Claim(fs, ResolvePath(fs, options.out), identity));
  const Status written = WriteExport(c, view, payload, options, *out);
  if (written.ok()) out->Finish();
  if (written.ok() || out->Abandon().ok()) return written;
  return written.WithContext("the cleanup failed, too, so an unfinished export is left in " + out->path());
}

}  // namespace rawkv
