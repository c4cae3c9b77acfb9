#include "engine/api/write_batch.h"

#include "base/exception_status.h"
#include "base/key_prefix.h"

namespace rawkv {

template <typename Step>
void WriteBatch::RunStep(const Step& step) {
  const Status done = NoThrow([&]() -> Status {
    step();
    return {};
  });
  if (status_.ok()) status_ = done;
}

void WriteBatch::Put(std::string_view key, std::string_view value) {
  RunStep([&] {
    operations_.push_back(
        {.kind = Operation::Kind::kPut, .key = std::string(key), .owned = std::string(value)});
  });
}

void WriteBatch::PutBorrowed(std::string_view key, ConstBytes value) {
  RunStep([&] {
    operations_.push_back(
        {.kind = Operation::Kind::kPut, .key = std::string(key), .borrowed = value, .is_borrowed = true});
  });
}

void WriteBatch::PutIfAbsent(std::string_view key, std::string_view value) {
  RunStep([&] {
    operations_.push_back({.kind = Operation::Kind::kPut,
                           .key = std::string(key),
                           .owned = std::string(value),
                           .if_absent = true});
  });
}

void WriteBatch::PutBorrowedIfAbsent(std::string_view key, ConstBytes value) {
  RunStep([&] {
    operations_.push_back({.kind = Operation::Kind::kPut,
                           .key = std::string(key),
                           .borrowed = value,
                           .is_borrowed = true,
                           .if_absent = true});
  });
}

void WriteBatch::Delete(std::string_view key) {
  RunStep([&] { operations_.push_back({.kind = Operation::Kind::kDelete, .key = std::string(key)}); });
}

void WriteBatch::DeleteRange(std::string_view begin, std::string_view end) {
  RunStep([&] {
    operations_.push_back(
        {.kind = Operation::Kind::kDeleteRange, .key = std::string(begin), .end_key = std::string(end)});
  });
}

void WriteBatch::DeletePrefix(std::string_view prefix) {
  RunStep([&] { DeleteRange(prefix, PrefixEnd(prefix)); });
}

void WriteBatch::SetMetadata(std::string_view metadata) {
  RunStep([&] { metadata_ = std::string(metadata); });
}

void WriteBatch::Clear() {
  operations_.clear();
  metadata_.clear();
  status_ = Status::Ok();
}

}  // namespace rawkv
