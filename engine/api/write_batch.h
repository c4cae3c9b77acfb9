#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/export.h"
#include "base/status.h"

namespace rawkv {

// The puts and deletes of one version, in order: a later operation on a key overrides an earlier one. Not
// thread-safe.
//
// The batch checks nothing. Commit returns kInvalidArgument for a key that is empty or over 64 KiB, a value
// over 1 GiB, more than kMaxOperations operations, metadata over 64 KiB, a range that ends at or before its
// begin, or a change set whose record does not fit a log segment. An operation that lacks memory is not in
// the batch: status() keeps that error, and Commit returns it.
class RAWKV_EXPORT WriteBatch {
 public:
  static constexpr size_t kMaxOperations = 1'000'000;

  void Put(std::string_view key, std::string_view value);  // copies the value
  // Refers to the caller's bytes, which must stay unchanged until Commit returns.
  void PutBorrowed(std::string_view key, ConstBytes value);
  // Like Put and PutBorrowed, but leave the key as it is if it exists when the commit is applied. An earlier
  // operation of the batch counts, too. CommitResult::existed names the puts that were left out. The payload
  // is written to free slots before that is decided.
  void PutIfAbsent(std::string_view key, std::string_view value);
  void PutBorrowedIfAbsent(std::string_view key, ConstBytes value);
  void Delete(std::string_view key);                               // the key may be absent
  void DeleteRange(std::string_view begin, std::string_view end);  // [begin, end); end "": to the last key
  void DeletePrefix(std::string_view prefix);                      // an empty prefix deletes everything
  void SetMetadata(std::string_view metadata);  // bytes that the store keeps with the version
  void Clear();                                 // empties the batch, its metadata and status
  size_t size() const { return operations_.size(); }
  bool empty() const { return operations_.empty(); }
  // Ok, or the first error of an operation since the batch was made or cleared.
  const Status& status() const { return status_; }

  struct Operation {
    enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };
    Kind kind = Kind::kPut;
    std::string key;
    std::string end_key;  // kDeleteRange
    std::string owned;    // the value of Put
    ConstBytes borrowed;  // the value of PutBorrowed
    bool is_borrowed = false;
    bool if_absent = false;  // PutIfAbsent
    ConstBytes value() const { return is_borrowed ? borrowed : AsBytes(owned); }
  };
  const std::vector<Operation>& operations() const { return operations_; }
  const std::string& metadata() const { return metadata_; }

 private:
  // Runs `step`; keeps its exception as the batch's error, if there is none yet.
  template <typename Step>
  void RunStep(const Step& step);

  std::vector<Operation> operations_;
  std::string metadata_;
  Status status_;
};

}  // namespace rawkv
