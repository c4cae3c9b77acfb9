#include <algorithm>

#include "wal/log_end.h"
#include "wal/segment_reader.h"
#include "wal/wal.h"

namespace rawkv {
namespace {

// Keeps invariant 9: walks the good part of the log, then collects the facts that JudgeLogEnd needs.
class LogScanner {
 public:
  LogScanner(const WalContext& context, std::vector<SegmentFile> files)
      : context_(context), files_(std::move(files)) {}

  Result<LogScan> Run(Version from, Version proven) {
    scan_.first = files_.front().first;
    scan_.durable_through = Previous(scan_.first);
    tail_.proven = proven;
    size_t index = FindSegment(files_, from).value_or(0);
    RAWKV_ASSIGN_OR_RETURN(SegmentReader reader, SegmentReader::Open(context_, files_[index]));
    // An interrupted cut leaves segments of an abandoned branch after the good ones.
    while (!reader.live() && index > 0) {
      RAWKV_ASSIGN_OR_RETURN(reader, SegmentReader::Open(context_, files_[--index]));
    }
    if (reader.live()) {
      RAWKV_RETURN_IF_ERROR(WalkGoodPart(index, &reader));
    } else {
      RecordDeadLog(reader);
    }
    return JudgeEnd();
  }

 private:
  // For a log whose every segment belongs to an abandoned branch: a rollback to a snapshot was interrupted.
  void RecordDeadLog(const SegmentReader& oldest) {
    RecordEnd(oldest);
    tail_.why = "segment of an abandoned branch";
    for (const SegmentFile& file : files_) CountDead(file);
  }

  Status WalkGoodPart(size_t index, SegmentReader* reader) {
    for (;;) {
      for (;;) {
        RAWKV_ASSIGN_OR_RETURN(const std::optional<Frame> frame, reader->Next());
        if (!frame) break;
      }
      scan_.durable_through = std::max(scan_.durable_through, reader->durable_through());
      RecordEnd(*reader);
      RAWKV_ASSIGN_OR_RETURN(std::optional<SegmentReader> next, FindSuccessor(&index));
      if (!next) return InspectEnd(reader);
      if (next->header().first <= scan_.last) {
        return Status::Corruption(next->path() + ": begins at version " + ToString(next->header().first) +
                                  ", which " + reader->path() + " also holds");
      }
      // The successor carries the checksum of the frame that it follows. So nothing is missing between the
      // two segments, and the bytes after the good end of this one do not matter.
      const bool continues =
          next->header().first == Next(scan_.last) && next->header().prev_checksum == scan_.end_checksum;
      if (!continues) {
        tail_.successor = next->header().first;
        return InspectEnd(reader);
      }
      *reader = std::move(*next);
    }
  }

  // Finds the next segment of this branch after files_[*index], and moves *index to it. Counts the dead
  // segments in between.
  Result<std::optional<SegmentReader>> FindSuccessor(size_t* index) {
    while (*index + 1 < files_.size()) {
      RAWKV_ASSIGN_OR_RETURN(SegmentReader next, SegmentReader::Open(context_, files_[++*index]));
      if (next.live()) return std::optional<SegmentReader>(std::move(next));
      CountDead(files_[*index]);
    }
    return std::optional<SegmentReader>();
  }

  void CountDead(const SegmentFile& file) {
    ++tail_.dead_segments;
    tail_.dead_bytes += file.bytes;
  }

  Status InspectEnd(SegmentReader* reader) {
    RAWKV_ASSIGN_OR_RETURN(const SegmentTail found, reader->InspectTail());
    tail_.garbage_bytes = found.nonzero_end - scan_.end_offset;
    tail_.later = found.later;
    tail_.later_proves_durable = found.proves_durable;
    tail_.why = reader->why();
    return {};
  }

  void RecordEnd(const SegmentReader& reader) {
    scan_.last = reader.point().last;
    scan_.segment = reader.path();
    scan_.end_offset = reader.point().offset;
    scan_.end_checksum = reader.point().checksum;
  }

  LogScan JudgeEnd() {
    tail_.last = scan_.last;
    const LogEndVerdict verdict = JudgeLogEnd(tail_);
    scan_.end = verdict.end;
    scan_.torn_bytes = verdict.torn_bytes;
    scan_.damaged_from = verdict.damaged_from;
    scan_.damaged_to = verdict.damaged_to;
    if (verdict.end != LogEnd::kClean) {
      scan_.message = scan_.segment + ", offset " + std::to_string(scan_.end_offset) + ": " + verdict.reason;
    }
    return std::move(scan_);
  }

  const WalContext& context_;
  const std::vector<SegmentFile> files_;
  LogScan scan_;
  LogTail tail_;
};

// The last good record, for a listing. A listing does not report damage after it, but does report a refused
// read.
Result<Version> FindLastReadable(const WalContext& context, const SegmentFile& file) {
  Result<SegmentReader> reader = SegmentReader::Open(context, file);
  if (reader.status().refused()) return reader.status();
  if (!reader.ok()) return Previous(file.first);
  for (;;) {
    const Result<std::optional<Frame>> frame = reader->Next();
    if (frame.status().refused()) return frame.status();
    if (!frame.ok() || !frame->has_value()) return reader->point().last;
  }
}

}  // namespace

Result<LogScan> ScanLog(const WalContext& context, Version from, Version proven) {
  RAWKV_ASSIGN_OR_RETURN(std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));
  if (files.empty()) {
    return Status::Corruption(context.dir + ": no log segment; the whole changelog is missing");
  }
  return LogScanner(context, std::move(files)).Run(from, proven);
}

Result<LogScan> ScanGrowingLog(const WalContext& context, Version from, Version proven) {
  RAWKV_ASSIGN_OR_RETURN(LogScan scan, ScanLog(context, from, proven));
  if (scan.end != LogEnd::kCorrupt) return scan;
  RAWKV_ASSIGN_OR_RETURN(const LogScan again, ScanLog(context, from, proven));
  if (again.end != LogEnd::kCorrupt || again.last > scan.last) scan.end = LogEnd::kClean;
  return scan;
}

Result<std::vector<SegmentInfo>> ListSegments(const WalContext& context) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> files, ListSegmentFiles(*context.fs, context.dir));
  std::vector<SegmentInfo> infos;
  for (size_t i = 0; i < files.size(); ++i) {
    const bool sealed = i + 1 < files.size();
    Version last;
    if (sealed) {
      last = Previous(files[i + 1].first);
    } else {
      RAWKV_ASSIGN_OR_RETURN(last, FindLastReadable(context, files[i]));
    }
    infos.push_back({.path = files[i].path,
                     .first = files[i].first,
                     .last = last,
                     .bytes = files[i].bytes,
                     .sealed = sealed});
  }
  return infos;
}

}  // namespace rawkv
