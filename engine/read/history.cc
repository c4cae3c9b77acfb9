#include "engine/read/history.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/read/engine_iterator.h"
#include "engine/read/views.h"
#include "engine/undo/undo_record.h"
#include "snapshot/snapshot_store.h"
#include "wal/change_set.h"
#include "wal/segment_name.h"
#include "wal/wal.h"

namespace rawkv {
namespace {

// The commit with which the index of a snapshot ends.
Result<CommitRecord> CommitOfSnapshot(StoreContext& c, Version version) {
  const Result<std::unique_ptr<KeyIndex>> index =
      OpenIndexForReading(c.env, c.snapshots->IndexPathOf(version));
  // A published snapshot has an index.
  if (index.status().code() == StatusCode::kNotFound) return Status::Corruption(index.status().message());
  if (!index.ok()) return index.status();
  RAWKV_ASSIGN_OR_RETURN(const MetaRecord meta, (*index)->Meta());
  return ToCommitRecord(meta);
}

// The commit of `version` from the undo record of the version after it; absent if the index has none.
Result<std::optional<CommitRecord>> CommitOfUndo(const HistorySource& source, Version version) {
  RAWKV_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, source.index.Undo(Next(version)));
  if (!bytes) return std::optional<CommitRecord>();
  const Result<UndoRecord> record = DecodeUndoRecord(AsBytes(*bytes));
  // The log has the same; a damaged record matters to a rollback alone.
  if (!record.ok() || record->before.applied != version ||
      !source.context.chain().Contains(record->before.lineage, version)) {
    return std::optional<CommitRecord>();
  }
  return std::optional(ToCommitRecord(record->before));
}

CommitRecord CommitOfRecord(const RecordHead& head, std::string metadata) {
  return {.version = head.version,
          .lineage = head.lineage,
          .time_unix_ms = head.time_unix_ms,
          .metadata = std::move(metadata)};
}

KeyChange::Kind KindOf(ChangeOp::Kind kind) {
  switch (kind) {
    case ChangeOp::Kind::kPut:
      return KeyChange::Kind::kPut;
    case ChangeOp::Kind::kDelete:
      return KeyChange::Kind::kDelete;
    case ChangeOp::Kind::kDeleteRange:
      return KeyChange::Kind::kDeleteRange;
  }
  __builtin_unreachable();
}

bool IsWithin(const KeyBounds& bounds, const ChangeOp& op) {
  if (!bounds.upper.empty() && op.key >= bounds.upper) return false;
  if (op.kind == ChangeOp::Kind::kDeleteRange) return op.end_key.empty() || op.end_key > bounds.lower;
  return op.key >= bounds.lower;
}

// What of a history one call of ReadHistoryPage keeps.
struct Selection {
  KeyBounds bounds;
  bool bounded;  // leaves out versions without a change within the bounds
  bool changes;

  Result<std::optional<HistoryEntry>> Take(const LogRecord& record) const {
    RAWKV_ASSIGN_OR_RETURN(ChangeSet set, DecodeChangeSet(record.body));
    HistoryEntry entry{.commit = CommitOfRecord(record.head, std::move(set.user_metadata)),
                       .changes_known = true};
    bool touched = false;
    for (ChangeOp& op : set.ops) {
      const bool put = op.kind == ChangeOp::Kind::kPut;
      const uint64_t bytes = put ? op.value.length() : 0;
      (put ? entry.puts : entry.deletes) += 1;
      entry.value_bytes += bytes;
      if (!IsWithin(bounds, op)) continue;
      touched = true;
      if (!changes) continue;
      entry.changes.push_back({.kind = KindOf(op.kind),
                               .key = std::move(op.key),
                               .end_key = std::move(op.end_key),
                               .value_bytes = bytes});
    }
    if (bounded && !touched) return std::optional<HistoryEntry>();
    return std::optional(std::move(entry));
  }
};

// The part of the log or the snapshot that holds the newest versions of a history.
struct Piece {
  Version first, last;
  bool in_log = false;  // false: a snapshot holds the one version
};

// The newest piece of the reachable versions at or below `to`; absent if there are none.
Result<std::optional<Piece>> FindPiece(const HistorySource& source, Version to) {
  StoreContext& c = source.context;
  RAWKV_ASSIGN_OR_RETURN(const StoreSurvey survey, Survey(c));
  RAWKV_RETURN_IF_ERROR(survey.unread);
  const VersionRanges ranges = ToReachability(survey, source.tip, {}).Ranges();
  for (auto range = ranges.rbegin(); range != ranges.rend(); ++range) {
    if (range->first > to) continue;
    const Version last = std::min(range->second, to);
    if (last < survey.log_first) return std::optional(Piece{last, last, false});
    RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> files, ListSegmentFiles(*c.env.fs, c.paths.wal()));
    const std::optional<size_t> segment = FindSegment(files, last);
    // A prune has removed it since the survey.
    if (!segment) return Status::Busy("the log begins after version " + ToString(last));
    return std::optional(Piece{std::max(range->first, files[*segment].first), last, true});
  }
  return std::optional<Piece>();
}

}  // namespace

Result<CommitRecord> FindCommit(const HistorySource& source, Version version) {
  StoreContext& c = source.context;
  // The log is read from the beginning of a segment, so the tip, most often asked for, comes from the index.
  RAWKV_ASSIGN_OR_RETURN(const MetaRecord newest, source.index.Meta());
  if (newest.applied == version) return ToCommitRecord(newest);
  RAWKV_ASSIGN_OR_RETURN(const StoreSurvey survey, Survey(c));
  if (!ToReachability(survey, source.tip, {}).IsReachable(version)) {
    if (version <= source.tip) RAWKV_RETURN_IF_ERROR(survey.unread);
    return Status::VersionUnreachable("version " + ToString(version) +
                                      (version > source.tip ? " was never made" : " is no longer kept"));
  }
  RAWKV_ASSIGN_OR_RETURN(std::optional<CommitRecord> undone, CommitOfUndo(source, version));
  if (undone) return *std::move(undone);
  // Without a record in the log, the version is reachable only through its own snapshot.
  if (version < survey.log_first) return CommitOfSnapshot(c, version);
  CommitRecord out;
  RAWKV_RETURN_IF_ERROR(ReadLog(c.log(), version, version, [&](const LogRecord& record) -> Status {
    RAWKV_ASSIGN_OR_RETURN(ChangeSet changes, DecodeChangeSet(record.body));
    out = CommitOfRecord(record.head, std::move(changes.user_metadata));
    return Status::Ok();
  }));
  return out;
}

namespace {

// A bound above the versions that changed the one key of `bounds`: the version that wrote its value at the
// tip. No later version has changed the key. Absent if the bounds hold more than one key, or if the tip has
// no such key.
Result<std::optional<Version>> LastChangeOfKey(const HistorySource& source, const KeyBounds& bounds) {
  if (bounds.lower.empty() || bounds.upper != bounds.lower + '\0') return std::optional<Version>();
  RAWKV_ASSIGN_OR_RETURN(const std::optional<IndexEntry> entry, source.index.Get(bounds.lower));
  if (!entry || entry->written_by > source.tip) return std::optional<Version>();
  return std::optional(entry->written_by);
}

}  // namespace

Result<HistoryPage> ReadHistoryPage(const HistorySource& source, const HistoryOptions& options) {
  const bool bounded = !(options.lower.empty() && options.upper.empty() && options.prefix.empty());
  const Selection selection{NarrowBounds(options.lower, options.upper, options.prefix), bounded,
                            options.changes};
  const Version from = options.from.value_or(Version());
  Version to = std::min(options.to.value_or(source.tip), source.tip);
  HistoryPage page;
  if (selection.bounds.empty) return page;
  RAWKV_ASSIGN_OR_RETURN(const std::optional<Version> last_change, LastChangeOfKey(source, selection.bounds));
  if (last_change) to = std::min(to, *last_change);
  RAWKV_ASSIGN_OR_RETURN(const std::optional<Piece> piece, FindPiece(source, to));
  if (!piece || piece->last < from) return page;
  Version first = std::max(piece->first, from);
  if (!bounded && options.limit != 0 && piece->last.value() - first.value() >= options.limit) {
    first = Version(piece->last.value() - options.limit + 1);
  }
  if (options.limit == 1 && piece->last == last_change) first = piece->last;
  if (piece->in_log) {
    RAWKV_RETURN_IF_ERROR(
        ReadLog(source.context.log(), first, piece->last, [&](const LogRecord& record) -> Status {
          RAWKV_ASSIGN_OR_RETURN(std::optional<HistoryEntry> entry, selection.Take(record));
          if (entry) page.entries.push_back(*std::move(entry));
          return Status::Ok();
        }));
    std::reverse(page.entries.begin(), page.entries.end());
    if (options.limit != 0 && page.entries.size() > options.limit) page.entries.resize(options.limit);
  } else if (!bounded) {
    RAWKV_ASSIGN_OR_RETURN(CommitRecord commit, FindCommit(source, piece->last));
    page.entries.push_back({.commit = std::move(commit)});
  }
  const bool full = options.limit != 0 && page.entries.size() == options.limit;
  if (first > from && first.value() > 0 && !full) page.next_to = Previous(first);
  return page;
}

Result<Version> FindVersionAt(const HistorySource& source, uint64_t unix_ms) {
  std::optional<CommitRecord> oldest;
  for (Version to = source.tip;;) {
    RAWKV_ASSIGN_OR_RETURN(const std::optional<Piece> piece, FindPiece(source, to));
    if (!piece) break;
    RAWKV_ASSIGN_OR_RETURN(oldest, FindCommit(source, piece->first));
    if (oldest->time_unix_ms <= unix_ms) {
      Version found = piece->first;
      if (!piece->in_log) return found;
      RAWKV_RETURN_IF_ERROR(
          ReadLog(source.context.log(), piece->first, piece->last, [&](const LogRecord& record) {
            if (record.head.time_unix_ms <= unix_ms) found = record.head.version;
            return Status::Ok();
          }));
      return found;
    }
    if (piece->first.value() == 0) break;
    to = Previous(piece->first);
  }
  return Status::VersionUnreachable(
      "no version as old as that is kept" +
      (oldest ? "; the oldest one, version " + ToString(oldest->version) + ", is newer" : std::string()));
}

}  // namespace rawkv
