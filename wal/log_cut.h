#pragma once

#include <optional>
#include <vector>

#include "wal/segment_reader.h"
#include "wal/segment_writer.h"

// Taking records away from either end of the log, so that an interruption at any I/O leaves a log
// without gaps (given the lineage chain): newest first above, oldest first below, never no segment.
namespace rawkv {

// Where a log that is cut goes on.
struct CutPoint {
  std::optional<SegmentFile> segment;  // none can go on: a new one is made that begins at Next(at.last)
  SegmentHeader header;                // of `segment`
  ChainPoint at;
  Version durable_through;  // highest claim known to be kept
};

// Finds the end of record `keep_through`, or of the segment header before the record after it.
// Changes nothing. kCorruption if the segment that should hold the record does not.
Result<CutPoint> FindCut(const WalContext& context, const std::vector<SegmentFile>& files,
                         Version keep_through);

// Carries it out and updates *files. What lies above goes first, newest first.
Result<SegmentWriter> CutAfter(const WalContext& context, const WalOptions& options, const CutPoint& cut,
                               std::vector<SegmentFile>* files);

// Begins the log anew at `first`: for a log that is damaged below the version that is kept, so that
// none of its records can lead up to it.
Result<SegmentWriter> RestartLog(const WalContext& context, const WalOptions& options, Version first,
                                 std::vector<SegmentFile>* files);

// Removes the newest segment and makes that durable.
Status DropNewest(const WalContext& context, std::vector<SegmentFile>* files);

// Removes files[0] and makes that durable.
Status DropOldest(const WalContext& context, std::vector<SegmentFile>* files);

// A segment where the log begins: nothing precedes it.
Result<SegmentWriter> CreateFirstSegment(const WalContext& context, const WalOptions& options, Version first);

}  // namespace rawkv
