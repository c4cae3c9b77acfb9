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
  // Largest size of a segment: 64 KiB … 1 GiB, a multiple of 4096.
  uint64_t segment_bytes = 64ull << 20;
  // Zeros that the writer writes ahead of the records, so that a sync changes no file metadata.
  uint64_t fill_step_bytes = 4ull << 20;
};

// Where the log is, and whose records it may hold. A reader ignores records that are not on the chain.
struct WalContext {
  Fs* fs = nullptr;
  std::string dir;  // STORE/wal
  Uuid store_uuid;
  LineageChain chain;  // a copy of the chain in STORE
};

struct RecordHead {
  Version version;
  Lineage lineage;
  uint64_t time_unix_ms = 0;
  Version durable_through;  // version up to which all was known to be durable when this record was written
};

// One record whose two checksums have passed. `body` is valid until the callback returns.
struct LogRecord {
  RecordHead head;
  ConstBytes body;  // encoded ChangeSet
};

enum class LogEnd : uint8_t {
  kClean,    // only zeros follow the last record
  kTorn,     // other bytes follow the last record, and nothing shows that they were ever durable
  kCorrupt,  // a record that was durable is damaged or missing
};

// The state of the log's end (invariant 9).
struct LogScan {
  Version first;            // lowest version that the log can hold: the oldest segment is named after it
  Version last;             // version of the last good record; Previous(first) if there is none
  Version durable_through;  // highest `durable_through` of a good frame; at least Previous(first)
  LogEnd end = LogEnd::kClean;
  std::string segment;        // path of the segment that holds the end of the log
  uint64_t end_offset = 0;    // offset in that segment of the first byte after the last good frame
  uint64_t torn_bytes = 0;    // kTorn: bytes from end_offset through the last one that is not zero
  Version damaged_from;       // kCorrupt: first lost version that is known
  Version damaged_to;         // kCorrupt: last lost version that is known
  std::string message;        // kTorn, kCorrupt: one line for the operator
  uint64_t end_checksum = 0;  // chain value for the next frame
};

struct SegmentInfo {
  std::string path;
  Version first;
  Version last;         // Previous(first) if the segment holds no record
  uint64_t bytes = 0;   // file size
  bool sealed = false;  // a later segment follows this one
};

// A record to append.
struct PendingRecord {
  Version version;
  uint64_t time_unix_ms = 0;
  ConstBytes body;  // encoded ChangeSet
};

// Makes the first segment of a log whose first record will be `first`. The segment is durable when the
// function returns. The directory must exist and hold no segment (otherwise kFailedPrecondition).
Status CreateLog(const WalContext& context, const WalOptions& options, Version first);

// Reads the segments that can hold versions at or above `from`, and finds the end of the log.
// `proven` is the highest version that an index, a snapshot or the last close shows to have been durable. The
// end is kCorrupt if the log ends below `proven`, and also if a gap separates two segments: the scan then
// describes the part before the gap. Changes nothing. Errors: kCorruption if there is no segment, if a
// segment header is damaged or belongs to another store, or if two segments hold the same version;
// kNotSupported for a newer format.
Result<LogScan> ScanLog(const WalContext& context, Version from, Version proven);
// ScanLog while another process may append. Between two reads, records may come in that make the end of the
// first read look like damage in the middle. Damage stays where it is, and such an end does not, so a second
// scan decides. `last` may then be older than the newest record.
Result<LogScan> ScanGrowingLog(const WalContext& context, Version from, Version proven);

// Makes the segments that hold `from` and what follows durable, as far as they are written. For a process
// that only reads the log: it opens the files for reading.
Status SyncLog(const WalContext& context, Version from);

// Verifies the records of [from, to] in order and calls `fn` for each. Returns kCorruption with the place if
// a record is missing or damaged. An error of `fn` ends the walk and is returned. Safe while another thread
// or process appends, as long as `to` is published and nobody removes the segments.
Status ReadLog(const WalContext& context, Version from, Version to,
               const std::function<Status(const LogRecord&)>& fn);

// The segments in order, without a check of their content. Safe while another thread or process appends.
Result<std::vector<SegmentInfo>> ListSegments(const WalContext& context);

// Writes the log. One caller at a time. After an error the caller must not append again (the engine is
// poisoned, invariant 10). The exception is an error of PrepareSpace or StartSegment that lacks_resource().
class Wal {
 public:
  // Opens the log to append after `keep_through`, which must be scan.last or a good record below it.
  // First removes later segments, newest first, and then overwrites all bytes after `keep_through` with
  // synced zeros (invariant 9). After an interruption the next scan finds either the old log or the cut one.
  // If no segment holds `keep_through`, the log restarts at Next(keep_through). A caller may ask for that
  // below the oldest record (a rollback to a snapshot), but above scan.last only if the scan is kCorrupt
  // (a snapshot whose log is damaged). The kept records and the names of their segments are durable when
  // Open returns.
  static Result<std::unique_ptr<Wal>> Open(WalContext context, const WalOptions& options, const LogScan& scan,
                                           Version keep_through);
  ~Wal();

  // Bytes that the records of a group take in the log.
  static uint64_t FramedBytes(std::span<const PendingRecord> group);
  // The most log bytes that one group may take.
  uint64_t max_group_bytes() const;

  // Makes room for a group: writes zeros ahead of it, or seals the segment and makes the next one. An error
  // that lacks_resource() leaves the log unchanged, and the caller may try again (invariant 13).
  Status PrepareSpace(uint64_t framed_bytes);
  // Writes the group into prepared space, without a sync. The versions must be dense and begin after last().
  Status Append(std::span<const PendingRecord> group, Lineage lineage, Version durable_through);
  // Writes a watermark. PrepareSpace keeps kWatermarkBytes free for it after every group. Writes nothing if
  // the log already holds a claim as high, so that the log of an idle store does not grow.
  static constexpr uint64_t kWatermarkBytes = 128;
  Status AppendWatermark(Lineage lineage, Version durable_through);
  Status Sync();
  // Begins a new segment if the present one holds at least `min_bytes` of records. A reader of later records
  // then need not read those. Errors as PrepareSpace.
  Status StartSegment(uint64_t min_bytes);

  // Removes the segments that hold no version at or above `version`, oldest first, each durably. The newest
  // segment always stays.
  Status DropBefore(Version version);

  Version first() const;         // first version of the oldest segment
  Version last() const;          // version of the last appended record
  uint64_t total_bytes() const;  // of all segments
  // Of the segments that hold `version` or later ones, without the zeros ahead of the newest record.
  uint64_t BytesFrom(Version version) const;

 private:
  struct Impl;
  explicit Wal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rawkv
