#include "engine/write_batch.h"

#include "engine/key_prefix.h"

namespace rawkv {

void WriteBatch::Put(std::string_view key, std::string_view value) {
  operations_.push_back(
      {.kind = Operation::Kind::kPut, .key = std::string(key), .owned = std::string(value)});
}

void WriteBatch::PutBorrowed(std::string_view key, ConstBytes value) {
  operations_.push_back(
      {.kind = Operation::Kind::kPut, .key = std::string(key), .borrowed = value, .is_borrowed = true});
}

void WriteBatch::Delete(std::string_view key) {
  operations_.push_back({.kind = Operation::Kind::kDelete, .key = std::string(key)});
}

void WriteBatch::DeleteRange(std::string_view begin, std::string_view end) {
  operations_.push_back(
      {.kind = Operation::Kind::kDeleteRange, .key = std::string(begin), .end_key = std::string(end)});
}

void WriteBatch::DeletePrefix(std::string_view prefix) {
  DeleteRange(prefix, PrefixEnd(prefix));
}

void WriteBatch::SetMetadata(std::string_view metadata) {
  metadata_ = std::string(metadata);
}

void WriteBatch::Clear() {
  operations_.clear();
  metadata_.clear();
}

}  // namespace rawkv
