#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fs.h"
#include "wal/record_format.h"
#include "wal/segment_header.h"
#include "wal/segment_name.h"
#include "wal/wal.h"

namespace rawkv {

// A place between two frames: where the next one goes, and what it must follow.
struct ChainPoint {
  uint64_t offset = kSegmentHeaderBytes;
  uint64_t checksum = 0;  // chain value for the next frame
  Version last;           // last record before this place
};

struct Frame {
  FrameHeader header;
  uint64_t time_unix_ms = 0;
  ConstBytes body;  // until the reader's next call
};

// A record frame as its readers see it; shares the frame's body.
LogRecord RecordOf(const Frame& frame);

// What lies behind the good part of a segment.
struct SegmentTail {
  uint64_t nonzero_end = 0;  // behind the last byte that is not zero; the good end if there is none
  // First frame of this branch behind the good end, at or above the version that is missing there.
  std::optional<FrameHeader> later;
  bool proves_durable = false;  // such a frame says that the missing version was durable
};

// Reads one segment forward. Verifies everything that it hands out; memory is bounded by one record,
// and no length is believed before its checksum has passed. Not thread-safe.
class SegmentReader {
 public:
  // `context` must outlive the reader. kCorruption if the header is damaged, of another store or not
  // what the name says, or if the file has vanished; kNotSupported for a newer format.
  static Result<SegmentReader> Open(const WalContext& context, const SegmentFile& file);

  // The same without looking at the header, which may be damaged: for what can still be had of a damaged
  // log. header() and live() mean nothing; SeekRecord comes first. kCorruption if the file has vanished.
  static Result<SegmentReader> OpenUnjudged(const WalContext& context, const SegmentFile& file);
  // Moves point() to the record `version` of this branch, found by its own checksums, and says whether it
  // is there. What it claims to follow is taken for given.
  Result<bool> SeekRecord(Version version);
  // The highest version that an intact frame header of this branch carries; 0 if there is none.
  Result<Version> NewestFrame();

  // The frame at point() if it is good, moving point() behind it; otherwise nothing, and why() says
  // what is wrong there. kNotSupported for an intact frame of a newer format.
  Result<std::optional<Frame>> Next();
  // Searches the file from point() on.
  Result<SegmentTail> InspectTail();

  const std::string& path() const { return path_; }
  const SegmentHeader& header() const { return header_; }
  uint64_t size() const { return size_; }
  const ChainPoint& point() const { return point_; }
  Version durable_through() const { return durable_through_; }  // highest claim of frames read
  const char* why() const { return why_; }
  // False for a segment that an abandoned branch made above its fork: all in it is dead.
  bool live() const { return context_->chain.Contains(header_.lineage, header_.first); }

 private:
  SegmentReader() = default;
  static Result<SegmentReader> OpenFile(const WalContext& context, const SegmentFile& file);
  // Calls `fn` for every intact frame header of this branch in [from, to), wherever it stands; `fn` returns
  // false to end. Looks at every step, also inside frames that seem whole: a length behind a bad frame is
  // no guide.
  Status EachFrame(uint64_t from, uint64_t to, const std::function<bool(const FrameHeader&)>& fn);
  // Up to `length` bytes at `offset`, fewer only at the end of the file.
  Result<ConstBytes> View(uint64_t offset, uint64_t length);
  std::optional<Frame> Stop(const char* why);

  const WalContext* context_ = nullptr;
  std::unique_ptr<File> file_;
  std::string path_;
  uint64_t size_ = 0;
  uint64_t seed_ = 0;
  SegmentHeader header_;
  ChainPoint point_;
  Version durable_through_;
  const char* why_ = "";
  std::vector<std::byte> window_;  // bytes [window_begin_, window_begin_ + window_bytes_) of the file
  uint64_t window_begin_ = 0;
  uint64_t window_bytes_ = 0;
};

// Behind the last byte at or after `from` that is not zero, or `from`.
Result<uint64_t> FindNonZeroEnd(File& file, uint64_t from);

}  // namespace rawkv
