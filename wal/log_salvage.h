#pragma once

#include <functional>

#include "wal/segment_name.h"
#include "wal/wal.h"

// Reads, cuts and replaces a damaged log. These functions do not decide whether a log is damaged; ScanLog
// does.
namespace rawkv {

// Consecutive records.
struct LogPart {
  Version last;             // last record; Previous(from) if the record `from` is missing
  Version durable_through;  // highest claim among the records
};

// Calls `fn` for the intact records of [from, to], up to the first that is missing or damaged. Ignores damage
// below `from`: it finds the first record by its checksums in the segment that should hold it, even if the
// header of that segment is damaged. An error of `fn` ends the walk and is returned; damage only ends the
// walk.
Result<LogPart> ReadIntactRecords(const WalContext& context, Version from, Version to,
                                  const std::function<Status(const LogRecord&)>& fn);

// The highest version of the present branch of which the log holds a trace: an intact frame that carries it,
// or a segment that begins right after it. 0 if there is none. Reads the whole log.
Result<Version> FindNewestVersionInLog(const WalContext& context);

// Removes the segments that begin above `version`, newest first and each durably, without reading them. The
// oldest segment always stays.
Status RemoveSegmentsAbove(const WalContext& context, Version version);

// Removes the segments that hold no version at or above `version`, oldest first and each durably, without
// reading them.
Status RemoveSegmentsBelow(const WalContext& context, Version version);

// Replaces the log by an empty one that begins at `first`. The new segment is durable before an old one is
// removed. After an interruption the caller may repeat the call.
Status ReplaceLog(const WalContext& context, const WalOptions& options, Version first);

// Keeps a segment in `dir` under its own name. The caller syncs `dir`.
enum class BackupMode : uint8_t {
  kLink,  // a hard link
  kCopy,  // a copy, for a segment that will be changed in place
};
Status BackUpSegment(const WalContext& context, const SegmentFile& segment, const std::string& dir,
                     BackupMode mode);

}  // namespace rawkv
