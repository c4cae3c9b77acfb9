#include "engine/checkpoint/checkpoint_content.h"

#include "base/byte_codec.h"
#include "base/limits.h"

namespace rawkv {
namespace {

constexpr uint64_t kLengthBytes = sizeof(uint32_t);  // before each of the two parts of a record

Status Bad(const std::string& what) {
  return Status::Corruption("the content of the checkpoint: " + what);
}

}  // namespace

Status CheckpointEncoder::PutHead(const CheckpointHead& head) {
  return PutRecord(head.store_record, EncodeMetaRecord(head.meta));
}

Status CheckpointEncoder::PutKey(std::string_view key, std::string_view entry) {
  ++keys_;
  return PutRecord(key, entry);
}

Status CheckpointEncoder::PutRecord(std::string_view first, std::string_view second) {
  const uint64_t bytes = 2 * kLengthBytes + first.size() + second.size();
  if (bytes > CheckpointRegion::kBlockPayloadBytes) {
    return Status::NotSupported("a record of " + std::to_string(bytes) +
                                " bytes does not fit a block of a checkpoint");
  }
  if (block_.size() + bytes > CheckpointRegion::kBlockPayloadBytes) {
    RAWKV_RETURN_IF_ERROR(write_(block_, CheckpointBlockWriter::Place::kMiddle));
    block_.clear();
  }
  ByteWriter lengths;
  lengths.U32(static_cast<uint32_t>(first.size()));
  lengths.U32(static_cast<uint32_t>(second.size()));
  block_.append(lengths.str());
  block_.append(first);
  block_.append(second);
  return Status::Ok();
}

Status CheckpointEncoder::Finish() {
  return write_(block_, CheckpointBlockWriter::Place::kLast);
}

Status CheckpointDecoder::AddBlock(std::string_view payload) {
  ByteReader in(payload);
  if (payload.empty()) return Bad("an empty block");
  while (in.remaining() != 0) {
    const uint64_t first_bytes = in.U32();
    const uint64_t second_bytes = in.U32();
    const std::string_view first = in.Raw(first_bytes);
    const std::string_view second = in.Raw(second_bytes);
    if (!in.ok()) return Bad("a record is longer than its block");
    if (!has_head_) {
      RAWKV_ASSIGN_OR_RETURN(MetaRecord meta, DecodeMetaRecord(AsBytes(second)));
      has_head_ = true;
      RAWKV_RETURN_IF_ERROR(on_head_({.store_record = std::string(first), .meta = std::move(meta)}));
      continue;
    }
    if (first.empty() || first.size() > kMaxKeyBytes) return Bad("a key of " + std::to_string(first.size()));
    if (keys_ != 0 && first <= last_key_) return Bad("keys are not in order");
    last_key_.assign(first);
    ++keys_;
    RAWKV_RETURN_IF_ERROR(on_key_(first, second));
  }
  return Status::Ok();
}

Status CheckpointDecoder::Finish(uint64_t keys) const {
  if (has_head_ && keys_ == keys) return Status::Ok();
  return Bad(std::to_string(keys_) + " keys, and the header names " + std::to_string(keys));
}

}  // namespace rawkv
