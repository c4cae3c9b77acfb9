#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/lineage_chain.h"
#include "base/result.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

inline constexpr uint32_t kWalFormat = 1;

struct WalOptions {
  uint64_t segment_bytes = 64ull << 20;   // rotate at; 64 KiB … 1 GiB, multiple of 4096
  uint64_t fill_step_bytes = 4ull << 20;  // zeros written ahead, so that a sync moves no metadata
};

// Where the log lives and who may be in it. The chain is STORE's; records off it are dead bytes.
struct WalContext {
  Fs* fs = nullptr;
  std::string dir;  // STORE/wal
  Uuid store_uuid;
  LineageChain chain;
};

struct RecordHead {
  Version version;
  Lineage lineage;
  uint64_t time_unix_ms = 0;
  Version durable_through;  // known durable when this record was written
};

// One record whose two checksums have passed. `body` lives as long as the callback.
struct LogRecord {
  RecordHead head;
  ConstBytes body;  // encoded ChangeSet
};

enum class LogEnd : uint8_t {
  kClean,    // nothing but zeros behind the last record
  kTorn,     // bytes behind the last record, and nothing shows that they were ever durable
  kCorrupt,  // a record that was durable is damaged or missing
};

// The judgement over the log's end (invariant 9).
struct LogScan {
  Version first;            // lowest version the log could hold: the oldest segment's name
  Version last;             // last good record; Previous(first) if there is none
  Version durable_through;  // highest claim among good frames, at least Previous(first)
  LogEnd end = LogEnd::kClean;
  std::string segment;      // path of the segment in which the good log ends
  uint64_t end_offset = 0;  // first byte behind the last good frame
  uint64_t torn_bytes = 0;  // kTorn: from there to the last byte that is not zero
  Version damaged_from;     // kCorrupt: the versions lost, as far as known
  Version damaged_to;
  std::string message;        // kTorn, kCorrupt: one line for the operator
  uint64_t end_checksum = 0;  // chain value for the next frame
};

struct SegmentInfo {
  std::string path;
  Version first;
  Version last;         // Previous(first) if it holds no record
  uint64_t bytes = 0;   // file size
  bool sealed = false;  // has a successor
};

struct PendingRecord {
  Version version;
  uint64_t time_unix_ms = 0;
  ConstBytes body;
};

// Makes the first segment of a log whose first record will be `first`; durable when it returns.
// The directory must exist and hold no segment.
Status CreateLog(const WalContext& context, const WalOptions& options, Version first);

// Reads the segments that can hold versions at or above `from`, to the end, and judges the end.
// `proven`: the highest version that an index or a snapshot shows to have been durable; a log that
// ends below it is kCorrupt. A gap between segments is kCorrupt too, so that the good part is known.
// Changes nothing. Errors: kCorruption if no segment exists, a segment header is damaged or of another
// store, or two segments hold the same version; kNotSupported for a newer format.
Result<LogScan> ScanLog(const WalContext& context, Version from, Version proven);

// Calls `fn` for the records of [from, to] in order, each verified. kCorruption names what is
// missing or damaged; an error of `fn` ends the walk and is returned. Safe beside a live writer as
// long as `to` is published and the segments are kept.
Status ReadLog(const WalContext& context, Version from, Version to,
               const std::function<Status(const LogRecord&)>& fn);

// Segments in order, without judging. Safe beside a live writer.
Result<std::vector<SegmentInfo>> ListSegments(const WalContext& context);

// The writer. One caller at a time. After an error, other than one of PrepareSpace or StartSegment that
// lacks_resource(), the log must not be appended to again (the engine is poisoned, invariant 10).
class Wal {
 public:
  // Opens for appending behind `keep_through`, which must be scan.last or a good record below it.
  // Whatever lies behind it is zeroed and synced first (invariant 9), later segments removed, newest
  // first. Interrupted, the next scan finds the same log or the cut one. If no segment holds it, the
  // log begins anew at Next(keep_through): below the oldest record for any scan (a rollback onto a
  // snapshot), above scan.last only where the scan is kCorrupt (a snapshot that damage cut off).
  // The adopted records and the names of their segments are durable when it returns.
  static Result<std::unique_ptr<Wal>> Open(WalContext context, const WalOptions& options, const LogScan& scan,
                                           Version keep_through);
  ~Wal();

  // Log bytes that the records will take, and the most that one group may.
  static uint64_t FramedBytes(std::span<const PendingRecord> group);
  uint64_t max_group_bytes() const;

  // Makes room for a group: writes zeros ahead, or seals the segment and makes the next. An error that
  // lacks_resource() leaves the log as it was, and the caller may try again (invariant 13).
  Status PrepareSpace(uint64_t framed_bytes);
  // Writes the group (contiguous, following last()) into prepared space. Not synced.
  Status Append(std::span<const PendingRecord> group, Lineage lineage, Version durable_through);
  // A frame that only says what is durable; PrepareSpace keeps kWatermarkBytes free for it behind every
  // group. Does nothing if the log says as much already, so that an idle store's log does not grow.
  static constexpr uint64_t kWatermarkBytes = 128;
  Status AppendWatermark(Lineage lineage, Version durable_through);
  Status Sync();
  // Begins a new segment if the present one holds at least `min_bytes` of records: what follows can then
  // be read without reading those first. Errors as PrepareSpace.
  Status StartSegment(uint64_t min_bytes);

  // Removes every record above `version` durably: whole segments newest first, then zeros. If no
  // segment is left, one that begins at Next(version) is made.
  Status TruncateAfter(Version version);
  // Removes segments that hold nothing at or above `version`, oldest first, each durably. The newest
  // segment always stays.
  Status DropBefore(Version version);
  // New records belong to this chain from now on (after a rollback).
  void SetChain(LineageChain chain);

  Version first() const;         // oldest segment's first version
  Version last() const;          // last record appended
  uint64_t total_bytes() const;  // of all segments

 private:
  struct Impl;
  explicit Wal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rawkv
