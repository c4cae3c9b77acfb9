#pragma once

#include <functional>

#include "wal/segment_name.h"
#include "wal/wal.h"

// What can still be had of a log that is damaged, and how such a log is cut or begun anew. ScanLog
// judges; nothing here does.
namespace rawkv {

// Records that follow one another without a gap.
struct LogPart {
  Version last;             // Previous(from) if the first one is not there
  Version durable_through;  // highest claim among them
};

// Calls `fn` for the intact records of [from, to] as far as they follow one another, whatever lies
// damaged below them: the first is found by its own checksums in the segment that should hold it, also
// where that segment's header cannot be believed. An error of `fn` ends the walk and is returned;
// damage only ends the walk.
Result<LogPart> FollowLog(const WalContext& context, Version from, Version to,
                          const std::function<Status(const LogRecord&)>& fn);

// The highest version of the present branch that an intact frame anywhere in the log carries, or that
// the name of a segment shows to have been there; 0 if nothing tells of any. Reads the whole log.
Result<Version> NewestTrace(const WalContext& context);

// Removes the segments that begin above `version`, newest first and each durably, without reading them;
// the oldest segment stays whatever it holds.
Status RemoveSegmentsAbove(const WalContext& context, Version version);

// Removes the segments that hold nothing at or above `version`, oldest first and each durably, without
// reading them.
Status RemoveSegmentsBelow(const WalContext& context, Version version);

// The log begins anew at `first`, whatever it held; none of its records can be read afterwards.
// Interrupted at any point it may be done again. The new segment is durable before an old one goes.
Status BeginLogAnew(const WalContext& context, const WalOptions& options, Version first);

// Gives a segment a second name in `dir`, or copies it if it is to be changed in place. Durable with
// the directory.
enum class AsideMode : uint8_t { kLink, kCopy };
Status KeepSegmentAside(const WalContext& context, const SegmentFile& segment, const std::string& dir,
                        AsideMode mode);

}  // namespace rawkv
