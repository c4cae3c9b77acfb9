#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "wal/segment_reader.h"
#include "wal/wal.h"

namespace rawkv {

// A failed sync, or a directory change of unknown outcome, is never "no space, try again"
// (invariants 10 and 13), whatever the system called it.
Status NeverNoSpace(const Status& status);
// The same for an error of an open file: nothing says that a part was not done.
Status NeverAgain(const Status& status);

// How far to write zeros.
struct FillTarget {
  uint64_t to = 0;     // a step ahead
  uint64_t least = 0;  // just enough, for where there is no room for a step
};
// For a file prepared up to `filled` that needs to be so up to `needed`.
FillTarget NextFill(const WalOptions& options, uint64_t filled, uint64_t needed);

// Writes the end of one segment. Not thread-safe. After an error other than kNoSpace from Extend the
// object must not be written to.
class SegmentWriter {
 public:
  // Makes a segment durably: header and zeros under a temporary name, synced, renamed (over a segment
  // of the same name, if there is one), directory synced. Store, lineage and checksum of the header
  // are filled in. `*named` (if given) becomes true once the segment has its name; an error before that has
  // changed nothing. After it, only too many open files lacks_resource(), and Create may be called again for
  // the same segment. kInvalidArgument if records of the chain's present branch would be dead in it.
  static Result<SegmentWriter> Create(const WalContext& context, SegmentHeader header, const FillTarget& fill,
                                      bool* named = nullptr);
  // Goes on at `at` in a segment whose header has been verified. What lies behind it is zeroed and
  // synced first; interrupted, any part of it may be left.
  static Result<SegmentWriter> Open(const WalContext& context, const std::string& path,
                                    const SegmentHeader& header, const ChainPoint& at);

  // Writes zeros ahead and syncs: the size and the blocks must be durable before records in them
  // count, and a later sync then moves no metadata. kNoSpace: nothing has changed but perhaps some
  // zeros behind filled_bytes(), which the next attempt takes over.
  Status Extend(const FillTarget& fill);
  // Writes whole frames at end(), into prepared space. `behind` is the place after them.
  Status Append(ConstBytes frames, const ChainPoint& behind);
  Status Sync();

  const std::string& path() const { return path_; }
  const SegmentHeader& header() const { return header_; }
  const ChainPoint& end() const { return end_; }
  uint64_t filled_bytes() const { return filled_bytes_; }  // prepared: file size
  bool has_records() const { return end_.last >= header_.first; }

 private:
  SegmentWriter() = default;

  std::unique_ptr<File> file_;
  std::string path_;
  SegmentHeader header_;
  ChainPoint end_;
  uint64_t filled_bytes_ = 0;
};

}  // namespace rawkv
