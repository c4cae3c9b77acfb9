#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/export.h"
#include "base/status.h"

namespace rawkv {

// The puts and deletes of one version, in order: a later operation wins over an earlier one. Not
// thread-safe. Nothing is checked here; Commit answers kInvalidArgument for keys that are empty or
// over 64 KiB, values over 1 GiB, more than kMaxOperations, metadata over 64 KiB, or a change set
// whose record would not fit a log segment. An operation that finds no memory is missing from the batch:
// status() keeps that error, and Commit answers with it.
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
  // Ok, or the first error of an operation since the batch was made or cleared.
  const Status& status() const { return status_; }

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
  // Runs one step of a call; keeps the error if the step throws.
  template <typename Step>
  void Keep(const Step& step);

  std::vector<Operation> operations_;
  std::string metadata_;
  Status status_;
};

}  // namespace rawkv
