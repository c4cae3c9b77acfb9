#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "blockdev/checkpoint_region.h"
#include "engine/index/meta_record.h"

namespace rawkv {

// What a checkpoint contains (docs/formats/checkpoint.md): the head, then each key with its entry of the
// index, in the order of keys. No record crosses a block, so that writer and reader need the memory of one
// block, whatever the size of the index.

struct CheckpointHead {
  std::string store_record;  // EncodeStoreRecord, as of the checkpoint
  MetaRecord meta;           // of the version
};

// Encodes the content into blocks. Not thread-safe.
class CheckpointEncoder {
 public:
  // `write` gets the payload of each block.
  using WriteFn = std::function<Status(std::string_view payload, CheckpointBlockWriter::Place)>;
  explicit CheckpointEncoder(WriteFn write) : write_(std::move(write)) {}

  // Call it first. kNotSupported: the head is longer than a block.
  Status PutHead(const CheckpointHead& head);
  // `entry` is an encoded IndexEntry. Keys come in ascending order.
  Status PutKey(std::string_view key, std::string_view entry);
  Status Finish();
  uint64_t keys() const { return keys_; }

 private:
  Status PutRecord(std::string_view first, std::string_view second);

  const WriteFn write_;
  std::string block_;
  uint64_t keys_ = 0;
};

// Decodes the payloads of the blocks, in order. Believes none of the bytes. Not thread-safe.
class CheckpointDecoder {
 public:
  using HeadFn = std::function<Status(const CheckpointHead&)>;
  // `entry` is encoded, and not checked.
  using KeyFn = std::function<Status(std::string_view key, std::string_view entry)>;
  CheckpointDecoder(HeadFn on_head, KeyFn on_key)
      : on_head_(std::move(on_head)), on_key_(std::move(on_key)) {}

  // kCorruption: CheckpointEncoder cannot have written these bytes. kNotSupported: of a newer rawkv. The
  // errors of the functions.
  Status AddBlock(std::string_view payload);
  // After the last block. kCorruption: the number of keys is another one.
  Status Finish(uint64_t keys) const;

 private:
  const HeadFn on_head_;
  const KeyFn on_key_;
  bool has_head_ = false;
  std::string last_key_;
  uint64_t keys_ = 0;
};

}  // namespace rawkv
