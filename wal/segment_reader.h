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

// A place between two frames of a segment.
struct ChainPoint {
  uint64_t offset = kSegmentHeaderBytes;  // where the next frame begins
  uint64_t checksum = 0;                  // the next frame must carry it as prev_checksum
  Version last;                           // version of the last record before this place
};

struct Frame {
  FrameHeader header;
  uint64_t time_unix_ms = 0;
  ConstBytes body;  // valid until the next call to the reader
};

// Converts a record frame. The result refers to the frame's body.
LogRecord ToLogRecord(const Frame& frame);

// What follows the last good frame of a segment ("the good end").
struct SegmentTail {
  uint64_t nonzero_end = 0;  // offset after the last byte that is not zero; the good end if all are zero
  // First frame of this branch after the good end that carries the missing version or a higher one.
  std::optional<FrameHeader> later;
  bool proves_durable = false;  // such a frame claims that the missing version was durable
};

// Reads one segment forward, and verifies every frame before it returns it. Uses memory for one record at
// most, and trusts a length only after its checksum has passed. Not thread-safe.
class SegmentReader {
 public:
  // `context` must outlive the reader. kCorruption if the header is damaged, belongs to another store or
  // contradicts the file's name, or if the file has vanished; kNotSupported for a newer format.
  static Result<SegmentReader> Open(const WalContext& context, const SegmentFile& file);

  // Opens a segment of a damaged log without reading its header. header() and live() are meaningless then,
  // and SeekRecord must be called first. kCorruption if the file has vanished.
  static Result<SegmentReader> OpenIgnoringHeader(const WalContext& context, const SegmentFile& file);
  // Searches for the record `version` of this branch by its checksums. Moves point() to the record and
  // returns true if the segment holds it. Does not check the frame that the record claims to follow.
  Result<bool> SeekRecord(Version version);
  // The highest version that an intact frame header of this branch carries; 0 if there is none.
  Result<Version> FindNewestVersion();

  // Returns the frame at point() if it is good, and moves point() past it. Otherwise returns nothing, and
  // why() gives the reason. kNotSupported for an intact frame of a newer format.
  Result<std::optional<Frame>> Next();
  // Searches the rest of the file, from point() to its end.
  Result<SegmentTail> InspectTail();

  const std::string& path() const { return path_; }
  const SegmentHeader& header() const { return header_; }
  uint64_t size() const { return size_; }
  const ChainPoint& point() const { return point_; }
  Version durable_through() const { return durable_through_; }  // highest claim of the frames read so far
  const char* why() const { return why_; }                      // why Next returned no frame
  // False for a segment that an abandoned branch made above its fork: no record in it counts.
  bool live() const { return context_->chain.Contains(header_.lineage, header_.first); }

 private:
  SegmentReader() = default;
  static Result<SegmentReader> OpenFile(const WalContext& context, const SegmentFile& file);
  // Calls `fn` for every intact frame header of this branch in [from, to), until `fn` returns false. Tries
  // every multiple of kFrameStepBytes, also inside frames that seem whole: after a bad frame the lengths in
  // later frames cannot be trusted.
  Status ForEachFrame(uint64_t from, uint64_t to, const std::function<bool(const FrameHeader&)>& fn);
  // Returns `length` bytes at `offset`, or fewer at the end of the file. Valid until the next call.
  Result<ConstBytes> ReadWindow(uint64_t offset, uint64_t length);
  std::optional<Frame> RejectFrame(const char* why);

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

// Offset after the last nonzero byte at or after `from`; `from` if there is none.
Result<uint64_t> FindNonZeroEnd(File& file, uint64_t from);

}  // namespace rawkv
