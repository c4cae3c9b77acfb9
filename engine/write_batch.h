#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/export.h"

namespace rawkv {

// The puts and deletes of one version, in order: a later operation wins over an earlier one. Not
// thread-safe. Nothing is checked here; Commit answers kInvalidArgument for keys that are empty or
// over 64 KiB, values over 1 GiB, more than kMaxOperations, metadata over 64 KiB, or a change set
// whose record would not fit a log segment.
class RAWKV_EXPORT WriteBatch {
 public:
  static constexpr size_t kMaxOperations = 1'000'000;

  void Put(std::string_view key, std::string_view value);  // copies the value
  // Borrows the value: it must stay unchanged until Commit returns.
  void PutBorrowed(std::string_view key, ConstBytes value);
  void Delete(std::string_view key);                               // absent is fine
  void DeleteRange(std::string_view begin, std::string_view end);  // [begin, end); end "" = to the last key
  void DeletePrefix(std::string_view prefix);                      // an empty prefix deletes everything
  void SetMetadata(std::string_view metadata);                     // kept with the version
  void Clear();
  size_t size() const { return operations_.size(); }
  bool empty() const { return operations_.empty(); }

  struct Operation {
    enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };
    Kind kind = Kind::kPut;
    std::string key;
    std::string end_key;  // kDeleteRange
    std::string owned;    // kPut by copy
    ConstBytes borrowed;  // kPut by reference, if is_borrowed
    bool is_borrowed = false;
    ConstBytes value() const { return is_borrowed ? borrowed : AsBytes(owned); }
  };
  const std::vector<Operation>& operations() const { return operations_; }
  const std::string& metadata() const { return metadata_; }

 private:
  std::vector<Operation> operations_;
  std::string metadata_;
};

}  // namespace rawkv
