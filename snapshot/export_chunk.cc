#include <algorithm>

#include "base/byte_codec.h"
#include "base/check.h"
#include "base/limits.h"
#include "snapshot/export_format.h"
#include "snapshot/export_layout.h"

// Chunk files; docs/formats/export.md. Two rules decide where a chunk ends. They depend only on keys, values
// and chunk_bytes:
//
//   C1  A fragment takes as much of the rest of its value as fits into the chunk.
//   C2  A fragment begins in the present chunk if its head and one byte fit (or its head alone, if no byte is
//   left).
//       Otherwise the chunk ends, and the fragment begins in the next one.
//
// So a chunk holds each key once. Only its first fragment may continue a value, and only its last fragment
// may be continued. ReadChunk checks these rules.
namespace rawkv {
namespace {

// Stands in the value length of a deleted key. No value has this length.
constexpr uint64_t kDeletedLength = ~uint64_t{0};
static_assert(kDeletedLength > kMaxValueBytes);
static_assert(kMinChunkBytes > kChunkHeaderBytes + kFragmentHeadBytes + kMaxKeyBytes + 1,
              "C2 must find room in every empty chunk");

std::string ChunkHeader() {
  ByteWriter out;
  out.Raw(kChunkMagic);
  out.U32(kExportFormat);
  out.U32(0);  // flags
  RAWKV_CHECK(out.str().size() == kChunkHeaderBytes, "the header has the size of docs/formats/export.md");
  return out.Take();
}

Status Damaged(const std::string& chunk, const std::string& how) {
  return Status::Corruption(chunk + " is damaged: " + how);
}

Status CheckIdentity(const ExportChunk& expected, std::string_view file) {
  if (file.size() != expected.bytes) {
    return Damaged(expected.name, "it has " + std::to_string(file.size()) + " bytes, expected " +
                                      std::to_string(expected.bytes));
  }
  if (file.size() > kMaxChunkBytes) {
    return Damaged(expected.name, "it is larger than a chunk may be");
  }
  const Sha256Digest sha256 = Sha256Of(AsBytes(file));
  if (sha256 != expected.sha256) {
    return Damaged(expected.name, "SHA-256 " + ToHex(sha256) + ", expected " + ToHex(expected.sha256));
  }
  return {};
}

Status CheckHeader(const ExportChunk& expected, ByteReader& in) {
  const std::string_view magic = in.Raw(kChunkMagic.size());
  const uint32_t format = in.U32();
  const uint32_t flags = in.U32();
  if (!in.ok() || magic != kChunkMagic) return Damaged(expected.name, "it does not begin with its magic");
  if (format == 0) return Damaged(expected.name, "format 0 does not exist");
  if (format > kExportFormat || flags != 0) {
    return Status::NotSupported(expected.name + " has format " + std::to_string(format) + " and flags " +
                                std::to_string(flags) + "; this build reads format " +
                                std::to_string(kExportFormat) + " without flags");
  }
  return {};
}

// Reads one fragment from `in`. Checks every field, so that `in` may hold any bytes.
Status TakeFragment(ByteReader& in, ChunkFragment& out) {
  out.key = in.Blob();
  const uint64_t encoded_length = in.U64();
  out.offset = in.U64();
  out.bytes = AsBytes(in.Blob());
  if (!in.ok()) return Status::Corruption("it ends within a fragment");
  if (!IsExportKey(out.key))
    return Status::Corruption("it has a key of " + std::to_string(out.key.size()) + " bytes");
  out.deletion = encoded_length == kDeletedLength;
  out.value_length = out.deletion ? 0 : encoded_length;
  if (out.value_length > kMaxValueBytes) {
    return Status::Corruption("it has a value of " + std::to_string(out.value_length) + " bytes");
  }
  if (out.offset > out.value_length || out.bytes.size() > out.value_length - out.offset) {
    return Status::Corruption("it has a fragment beyond the end of its value");
  }
  if (out.bytes.empty() && out.value_length != 0)
    return Status::Corruption("it has a fragment without bytes");
  return {};
}

Status WalkFragments(const ExportChunk& expected, std::string_view file,
                     const std::function<Status(const ChunkFragment&)>& fn) {
  ByteReader in(file.substr(kChunkHeaderBytes));
  while (!in.AtEnd()) {
    const uint64_t at = file.size() - in.remaining();
    ChunkFragment fragment;
    if (const Status status = TakeFragment(in, fragment); !status.ok()) {
      return Damaged(expected.name, status.message() + ", at offset " + std::to_string(at));
    }
    RAWKV_RETURN_IF_ERROR(fn(fragment));
  }
  return {};
}

Status CheckStructure(const ExportChunk& expected, std::string_view file) {
  std::string_view last_key;
  bool first = true;
  bool ended = true;  // the preceding value is complete
  RAWKV_RETURN_IF_ERROR(WalkFragments(expected, file, [&](const ChunkFragment& fragment) -> Status {
    if (first && fragment.key != expected.first_key) {
      return Damaged(expected.name, "it does not begin with its first key");
    }
    if (!first && fragment.key <= last_key) return Damaged(expected.name, "its keys do not ascend");
    if (!first && fragment.offset != 0) return Damaged(expected.name, "a value begins in its middle");
    if (!ended) return Damaged(expected.name, "a value ends in its middle");
    ended = fragment.offset + fragment.bytes.size() == fragment.value_length;
    last_key = fragment.key;
    first = false;
    return {};
  }));
  if (first) return Damaged(expected.name, "it is empty");
  if (last_key != expected.last_key) return Damaged(expected.name, "it does not end with its last key");
  return {};
}

}  // namespace

ChunkWriter::ChunkWriter(uint64_t chunk_bytes, Sink sink)
    : chunk_bytes_(chunk_bytes), sink_(std::move(sink)) {}

Status ChunkWriter::CheckEntryEnded() const {
  RAWKV_RETURN_IF_ERROR(failed_);
  if (chunk_bytes_ < kMinChunkBytes || chunk_bytes_ > kMaxChunkBytes) {
    return Status::InvalidArgument("export: chunk_bytes is " + std::to_string(chunk_bytes_) + ", must be " +
                                   std::to_string(kMinChunkBytes) + " to " + std::to_string(kMaxChunkBytes));
  }
  if (value_offset_ != value_length_) {
    return Status::InvalidArgument("export: a value has " + std::to_string(value_offset_) + " bytes, but " +
                                   std::to_string(value_length_) + " were announced");
  }
  return {};
}

Status ChunkWriter::BeginKey(std::string_view key, uint64_t value_length) {
  if (value_length > kMaxValueBytes) {
    return Status::InvalidArgument("export: a value must have at most " + std::to_string(kMaxValueBytes) +
                                   " bytes, not " + std::to_string(value_length));
  }
  return BeginEntry(key, value_length, value_length);
}

Status ChunkWriter::AddDeletion(std::string_view key) {
  return BeginEntry(key, kDeletedLength, 0);
}

Status ChunkWriter::BeginEntry(std::string_view key, uint64_t encoded_length, uint64_t value_length) {
  RAWKV_RETURN_IF_ERROR(CheckEntryEnded());
  if (!IsExportKey(key)) {
    return Status::InvalidArgument("export: a key must have 1 to " + std::to_string(kMaxKeyBytes) +
                                   " bytes, not " + std::to_string(key.size()));
  }
  if (key <= key_) return Status::InvalidArgument("export: keys must ascend");
  // Before key_ changes, since it is the last key of a chunk that ends here.
  RAWKV_RETURN_IF_ERROR(MakeRoom(key.size(), value_length));
  key_ = key;
  encoded_length_ = encoded_length;
  value_length_ = value_length;
  value_offset_ = 0;
  StartFragment();
  return {};
}

// Ends the chunk if the next fragment does not fit (C2).
Status ChunkWriter::MakeRoom(uint64_t key_bytes, uint64_t value_bytes_left) {
  if (buffer_.empty()) return {};
  const uint64_t least = kFragmentHeadBytes + key_bytes + std::min<uint64_t>(value_bytes_left, 1);
  return least > chunk_bytes_ - buffer_.size() ? EmitChunk() : Status::Ok();
}

// Writes the head of the next fragment of the present entry (C1). MakeRoom comes first.
void ChunkWriter::StartFragment() {
  if (buffer_.empty()) {
    buffer_.reserve(chunk_bytes_);
    buffer_ = ChunkHeader();
    first_key_ = key_;
  }
  const uint64_t head = kFragmentHeadBytes + key_.size();
  fragment_left_ = std::min(value_length_ - value_offset_, chunk_bytes_ - buffer_.size() - head);
  ByteWriter out;
  out.Blob(key_);
  out.U64(encoded_length_);
  out.U64(value_offset_);
  out.U32(static_cast<uint32_t>(fragment_left_));
  RAWKV_CHECK(out.str().size() == head, "a fragment's head has kFragmentHeadBytes and its key");
  buffer_ += out.str();
}

Status ChunkWriter::AppendValue(ConstBytes piece) {
  RAWKV_RETURN_IF_ERROR(failed_);
  if (piece.size() > value_length_ - value_offset_) {
    return Status::InvalidArgument("export: a value is longer than the " + std::to_string(value_length_) +
                                   " bytes announced");
  }
  while (!piece.empty()) {
    if (fragment_left_ == 0) {
      RAWKV_RETURN_IF_ERROR(MakeRoom(key_.size(), value_length_ - value_offset_));
      StartFragment();
    }
    const size_t step = static_cast<size_t>(std::min<uint64_t>(piece.size(), fragment_left_));
    buffer_ += AsStringView(piece.first(step));
    piece = piece.subspan(step);
    fragment_left_ -= step;
    value_offset_ += step;
  }
  return {};
}

Status ChunkWriter::Finish() {
  RAWKV_RETURN_IF_ERROR(CheckEntryEnded());
  return buffer_.empty() ? Status::Ok() : EmitChunk();
}

// Detects an overlong manifest here, and not at the end of a long export.
Status ChunkWriter::CountChunk(const ExportChunk& chunk) {
  constexpr uint64_t kFixedPartBytes = 1024;
  manifest_bytes_ += kManifestRowBytes + chunk.first_key.size() + chunk.last_key.size();
  if (next_chunk_ < kMaxChunks && manifest_bytes_ <= kMaxExportManifestBytes - kFixedPartBytes) return {};
  failed_ = Status::InvalidArgument("export: more chunks than a manifest can list; use a larger chunk_bytes");
  return failed_;
}

Status ChunkWriter::EmitChunk() {
  ExportChunk chunk{.name = ChunkName(next_chunk_),
                    .bytes = buffer_.size(),
                    .sha256 = Sha256Of(AsBytes(buffer_)),
                    .first_key = first_key_,
                    .last_key = key_};
  RAWKV_RETURN_IF_ERROR(CountChunk(chunk));
  failed_ = sink_(chunk, buffer_);
  RAWKV_RETURN_IF_ERROR(failed_);
  ++next_chunk_;
  buffer_.clear();
  return {};
}

Status ChunkWriter::SkipChunk(const ExportChunk& chunk, const LastFragment& last) {
  RAWKV_RETURN_IF_ERROR(failed_);
  if (!buffer_.empty() || chunk.name != ChunkName(next_chunk_) || chunk.first_key < key_ ||
      last.end_offset > last.value_length || last.value_length > kMaxValueBytes) {
    return Status::InvalidArgument("export: " + chunk.name + " is not the chunk to continue after");
  }
  RAWKV_RETURN_IF_ERROR(CountChunk(chunk));
  ++next_chunk_;
  key_ = chunk.last_key;
  encoded_length_ = value_length_ = last.value_length;
  value_offset_ = last.end_offset;
  fragment_left_ = 0;
  return {};
}

Status ReadChunk(const ExportChunk& expected, std::string_view file,
                 const std::function<Status(const ChunkFragment&)>& fn) {
  RAWKV_RETURN_IF_ERROR(CheckIdentity(expected, file));
  ByteReader header(file);
  RAWKV_RETURN_IF_ERROR(CheckHeader(expected, header));
  RAWKV_RETURN_IF_ERROR(CheckStructure(expected, file));
  return WalkFragments(expected, file, fn);
}

}  // namespace rawkv
