#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/index/index_entry.h"
#include "engine/index/key_space.h"
#include "engine/index/read_point.h"

namespace rocksdb {
class DB;
class Iterator;
class Slice;
}  // namespace rocksdb

namespace rawkv {

// Walks user keys of one read point in byte order. Not thread-safe.
class IndexCursor {
 public:
  // Of the index in `dir`, which must outlive the cursor. KeyIndex::NewCursor describes the rest.
  IndexCursor(rocksdb::DB& db, std::string dir, std::string_view lower, std::string_view upper,
              std::shared_ptr<const ReadPoint> at);
  ~IndexCursor();
  IndexCursor(const IndexCursor&) = delete;
  IndexCursor& operator=(const IndexCursor&) = delete;

  bool Valid() const;
  void SeekToFirst();
  void SeekToLast();
  void Seek(std::string_view key);
  void Next();
  void Prev();
  std::string_view key() const;            // user key
  Result<IndexEntry> entry() const;        // decoded; kCorruption
  std::string_view encoded_entry() const;  // as the index has it; valid until the cursor moves
  Status status() const;

 private:
  const std::string dir_;
  const std::shared_ptr<const ReadPoint> at_;
  const IndexKey lower_key_;
  const IndexKey upper_key_;
  // RocksDB keeps pointers to these two.
  const std::unique_ptr<const rocksdb::Slice> lower_;
  const std::unique_ptr<const rocksdb::Slice> upper_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace rawkv
