#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_codec.h"
#include "snapshot/export_format.h"
#include "tests/fuzz/reseal.h"
#include "tests/fuzz/targets.h"

namespace rawkv::fuzz {
namespace {

constexpr uint64_t kChunkHeaderBytes = 16;
constexpr uint64_t kDeletedLength = ~uint64_t{0};

Verdict CheckManifest(std::string_view file) {
  return CheckDecoded(DecodeExportManifest(file), [&](const ExportManifest& manifest) {
    RAWKV_CHECK(EncodeExportManifest(manifest) == file, "equal content must have one encoding");
    for (const ExportChunk& chunk : manifest.chunks) {
      RAWKV_CHECK(chunk.bytes <= manifest.chunk_bytes && manifest.chunk_bytes <= kMaxChunkBytes,
                  "the size of a chunk must be bounded");
      RAWKV_CHECK(chunk.name.find('/') == std::string::npos, "a chunk must lie in the export");
    }
  });
}

Verdict CheckOrigin(std::string_view file) {
  return CheckDecoded(DecodeExportOrigin(file), [&](const ExportOrigin& origin) {
    RAWKV_CHECK(EncodeExportOrigin(origin) == file, "equal content must have one encoding");
  });
}

Verdict CheckProgress(std::string_view file) {
  const std::optional<ExportProgress> progress = DecodeExportProgress(file);
  if (!progress) return Verdict::kRefused;
  std::string again = EncodeExportIdentity(progress->identity);
  for (const ExportChunk& chunk : progress->chunks) again += EncodeExportRow(chunk);
  RAWKV_CHECK(file.starts_with(again), "what was accepted must be the beginning of the file");
  return Verdict::kAccepted;
}

// The manifest row of the file, with its keys as far as its fragments can be decoded.
ExportChunk RowOf(std::string_view file) {
  ExportChunk row{.name = "chunk-00000000",
                  .bytes = file.size(),
                  .sha256 = Sha256Of(AsBytes(file)),
                  .first_key = {},
                  .last_key = {}};
  ByteReader in(file.substr(std::min<size_t>(file.size(), kChunkHeaderBytes)));
  for (bool first = true; in.remaining() > 0; first = false) {
    const std::string_view key = in.Blob();
    in.U64();
    in.U64();
    in.Blob();
    if (!in.ok()) break;
    row.last_key = key;
    if (first) row.first_key = key;
  }
  return row;
}

std::string EncodeFragments(std::string_view header, const std::vector<ChunkFragment>& fragments) {
  ByteWriter out;
  out.Raw(header);
  for (const ChunkFragment& fragment : fragments) {
    out.Blob(fragment.key);
    out.U64(fragment.deletion ? kDeletedLength : fragment.value_length);
    out.U64(fragment.offset);
    out.Blob(AsStringView(fragment.bytes));
  }
  return out.Take();
}

// Writes the fragments with ChunkWriter. If the chunk holds whole values only, the result must be equal.
void CheckWriterAgrees(const ExportChunk& row, std::string_view file,
                       const std::vector<ChunkFragment>& fragments) {
  size_t chunks = 0;
  ChunkWriter writer(std::max<uint64_t>(file.size(), kMinChunkBytes),
                     [&](const ExportChunk& chunk, std::string_view bytes) {
                       RAWKV_CHECK(chunk == row && bytes == file, "equal content must give equal bytes");
                       ++chunks;
                       return Status::Ok();
                     });
  for (const ChunkFragment& fragment : fragments) {
    const Status status = fragment.deletion ? writer.AddDeletion(fragment.key)
                                            : writer.BeginKey(fragment.key, fragment.value_length);
    RAWKV_CHECK(status.ok() && writer.AppendValue(fragment.bytes).ok(),
                "fragments that were read must be writable");
  }
  RAWKV_CHECK(writer.Finish().ok() && chunks == 1, "the fragments must fit into one chunk");
}

}  // namespace

Verdict FuzzExportManifest(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckManifest);
}

Verdict FuzzExportOrigin(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckOrigin);
}

Verdict FuzzExportProgress(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckProgress);
}

// The manifest holds the checksum of a chunk, so that there is nothing to reseal in the file.
Verdict FuzzExportChunk(ConstBytes input) {
  const std::string_view file = AsStringView(input);
  ExportChunk row = RowOf(file);
  std::vector<ChunkFragment> fragments;
  const Status status = ReadChunk(row, file, [&](const ChunkFragment& fragment) {
    fragments.push_back(fragment);
    return Status::Ok();
  });
  if (!status.ok()) {
    CheckRefusal(status);
    RAWKV_CHECK(fragments.empty(), "a damaged chunk must not give fragments");
    return Verdict::kRefused;
  }
  RAWKV_CHECK(EncodeFragments(file.substr(0, kChunkHeaderBytes), fragments) == file,
              "equal content must have one encoding");
  const ChunkFragment& last = fragments.back();
  if (fragments.front().offset == 0 && last.bytes.size() == last.value_length - last.offset) {
    CheckWriterAgrees(row, file, fragments);
  }
  row.sha256[0] ^= std::byte{1};
  RAWKV_CHECK(!ReadChunk(row, file, [](const ChunkFragment&) { return Status::Ok(); }).ok(),
              "a chunk that differs from its manifest row must be refused");
  return Verdict::kAccepted;
}

}  // namespace rawkv::fuzz
