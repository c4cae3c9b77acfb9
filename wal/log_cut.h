#pragma once

#include <optional>
#include <vector>

#include "wal/segment_reader.h"
#include "wal/segment_writer.h"

// Removes records from either end of the log. An interruption at any I/O leaves a log without gaps: segments
// at the upper end are removed newest first, segments at the lower end oldest first, and one segment always
// stays.
namespace rawkv {

// Where the writer resumes after a cut.
struct CutPoint {
  std::optional<SegmentFile> segment;  // absent: the writer makes a new segment at Next(at.last)
  SegmentHeader header;                // of `segment`
  ChainPoint at;
  Version durable_through;  // highest claim of the kept frames
};

// Finds the place after record `keep_through`: the end of that record, or the end of the segment header if
// the next record begins a segment. Changes nothing. kCorruption if the segment that should hold the record
// does not hold it.
Result<CutPoint> FindCutPoint(const WalContext& context, const std::vector<SegmentFile>& files,
                              Version keep_through);

// Cuts the log at `cut` and updates *files. Removes later segments first, newest first.
Result<SegmentWriter> CutAfter(const WalContext& context, const WalOptions& options, const CutPoint& cut,
                               std::vector<SegmentFile>* files);

// Replaces all segments by an empty one that begins at `first`. For a log that is damaged below the kept
// version: none of its records can be replayed up to that version.
Result<SegmentWriter> RestartLog(const WalContext& context, const WalOptions& options, Version first,
                                 std::vector<SegmentFile>* files);

// Removes the newest segment and makes that durable.
Status DropNewest(const WalContext& context, std::vector<SegmentFile>* files);

// Removes files[0] and makes that durable.
Status DropOldest(const WalContext& context, std::vector<SegmentFile>* files);

// Makes the first segment of a log, without a predecessor.
Result<SegmentWriter> CreateFirstSegment(const WalContext& context, const WalOptions& options, Version first);

}  // namespace rawkv
