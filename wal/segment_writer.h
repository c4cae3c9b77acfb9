#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "wal/segment_reader.h"
#include "wal/wal.h"

namespace rawkv {

// Turns kNoSpace into kIoError, for a failed sync or a directory change of unknown outcome. kNoSpace would
// invite the caller to try again (invariants 10 and 13).
Status MakeNoSpaceFinal(const Status& status);
// Turns every error that lacks_resource() into kIoError, for an operation on an open file: a part of it may
// have been done.
Status MakeFinal(const Status& status);

// The file offset up to which the writer writes zeros.
struct FillTarget {
  uint64_t to = 0;     // a whole step ahead
  uint64_t least = 0;  // just enough, if the filesystem has no room for a whole step
};
// Plans the next zeros for a file that holds zeros up to `filled` and needs them up to `needed`.
FillTarget PlanFill(const WalOptions& options, uint64_t filled, uint64_t needed);

// Writes the end of one segment. Not thread-safe. After an error, other than kNoSpace from Extend, the caller
// must not write through the object again.
class SegmentWriter {
 public:
  // Makes a segment durably: writes header and zeros under a temporary name, syncs the file, renames it (over
  // a segment of the same name, if there is one) and syncs the directory. Fills in the store, the lineage and
  // the checksum of the header. Sets `*named` (if given) once the segment has its name; an error before that
  // has changed nothing. After that, the only error that lacks_resource() is "too many open files", and the
  // caller may call Create again for the same segment. kInvalidArgument if `header.first` is not a version of
  // the present branch.
  static Result<SegmentWriter> Create(const WalContext& context, SegmentHeader header, const FillTarget& fill,
                                      bool* named = nullptr);
  // Opens a segment, whose header the caller has verified, to append at `at`. First overwrites all later
  // bytes with synced zeros. An interruption may leave any part of those bytes.
  static Result<SegmentWriter> Open(const WalContext& context, const std::string& path,
                                    const SegmentHeader& header, const ChainPoint& at);

  // Writes zeros ahead and syncs them. The file's size and blocks must be durable before records in them
  // count; a later sync then changes no metadata. After kNoSpace the segment is unchanged, except that zeros
  // may follow filled_bytes(); the next attempt reuses them.
  Status Extend(const FillTarget& fill);
  // Writes whole frames at end(), into prepared space. `new_end` is the place after them.
  Status Append(ConstBytes frames, const ChainPoint& new_end);
  Status Sync();

  const std::string& path() const { return path_; }
  const SegmentHeader& header() const { return header_; }
  const ChainPoint& end() const { return end_; }
  uint64_t filled_bytes() const { return filled_bytes_; }  // file size: records and prepared zeros
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
