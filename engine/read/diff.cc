#include "engine/read/diff.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/read/views.h"
#include "engine/undo/undo_record.h"
#include "snapshot/snapshot_store.h"
#include "wal/change_set.h"
#include "wal/wal.h"

namespace rawkv {
namespace {

using State = std::optional<KeyState>;
using States = std::map<std::string, State, std::less<>>;

State StateOf(const std::optional<IndexEntry>& entry) {
  if (!entry) return std::nullopt;
  return KeyState{.value_bytes = entry->value.length(), .written_by = entry->written_by};
}

bool IsBetween(const KeyBounds& bounds, std::string_view key) {
  return key >= bounds.lower && (bounds.upper.empty() || key < bounds.upper);
}

// Whether the two states differ. A key that was written again differs.
bool Differ(const State& a, const State& b) {
  return a.has_value() != b.has_value() || (a && a->written_by != b->written_by);
}

void AddIfDifferent(const std::string& key, State from, State to, Differences& out) {
  if (Differ(from, to)) out.push_back({.key = key, .from = from, .to = to});
}

// Reads undo records that lead back from the index's version.
class UndoReader {
 public:
  explicit UndoReader(const HistorySource& source) : source_(source), chain_(source.context.chain()) {}

  // Absent: the version has no record on this branch.
  Result<std::optional<UndoRecord>> Read(Version version) {
    RAWKV_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, source_.index.Undo(version));
    if (!bytes) return std::optional<UndoRecord>();
    Result<UndoRecord> record = DecodeUndoRecord(AsBytes(*bytes));
    const bool fits =
        record.ok() && Next(record->before.applied) == version && chain_.Contains(record->lineage, version);
    return fits ? std::optional(*std::move(record)) : std::optional<UndoRecord>();
  }

 private:
  const HistorySource& source_;
  const LineageChain chain_;
};

// What the log shows about the keys of some versions: their states after the last version, and ranges that
// were deleted, whose other keys are not known.
class LogStates {
 public:
  explicit LogStates(KeyBounds bounds) : bounds_(std::move(bounds)) {}

  void Apply(Version version, const ChangeOp& op) {
    if (op.kind == ChangeOp::Kind::kDeleteRange) {
      DeleteRange(op.key, op.end_key);
    } else if (IsBetween(bounds_, op.key) && Wanted(op.key)) {
      State after;
      if (op.kind == ChangeOp::Kind::kPut) after = KeyState{op.value.length(), version};
      Set(op.key, after);
    }
  }

  // Keeps the states of only those keys that `other` names or has in a deleted range.
  void LimitTo(const LogStates& other) { wanted_by_ = &other; }
  void Set(std::string_view key, State state) {
    const auto [at, added] = states_.insert_or_assign(std::string(key), state);
    if (added) bytes_ += at->first.size() + sizeof(*at);
  }
  const State* Find(std::string_view key) const {
    const auto at = states_.find(key);
    return at == states_.end() ? nullptr : &at->second;
  }
  bool Deleted(std::string_view key) const {
    for (const KeyBounds& range : deleted_) {
      if (IsBetween(range, key)) return true;
    }
    return false;
  }

  const States& states() const { return states_; }
  const std::vector<KeyBounds>& deleted() const { return deleted_; }
  // Each key is compared with each deleted range.
  bool TooMuch() const { return bytes_ > kMaxDiffBytes || deleted_.size() > kMaxDiffRanges; }

 private:
  bool Wanted(std::string_view key) const {
    return wanted_by_ == nullptr || wanted_by_->Find(key) != nullptr || wanted_by_->Deleted(key);
  }
  void DeleteRange(const std::string& lower, const std::string& upper) {
    KeyBounds range{std::max(lower, bounds_.lower), bounds_.upper};
    if (!upper.empty() && (range.upper.empty() || upper < range.upper)) range.upper = upper;
    if (!range.upper.empty() && range.upper <= range.lower) return;
    for (auto at = states_.lower_bound(range.lower); at != states_.end() && IsBetween(range, at->first);
         ++at) {
      at->second.reset();
    }
    bytes_ += range.lower.size() + range.upper.size() + sizeof(range);
    deleted_.push_back(std::move(range));
  }

  const KeyBounds bounds_;
  const LogStates* wanted_by_ = nullptr;
  States states_;
  std::vector<KeyBounds> deleted_;
  uint64_t bytes_ = 0;
};

// Applies the log of (after, through]. False: it is too much.
Result<bool> ReadInto(const HistorySource& source, Version after, Version through, LogStates& states) {
  if (after == through) return true;
  const Status enough = Status::FailedPrecondition("too many changes for the memory");
  const Status read =
      ReadLog(source.context.log(), Next(after), through, [&](const LogRecord& record) -> Status {
        RAWKV_ASSIGN_OR_RETURN(const ChangeSet set, DecodeChangeSet(record.body));
        for (const ChangeOp& op : set.ops) states.Apply(record.head.version, op);
        return states.TooMuch() ? enough : Status::Ok();
      });
  if (!read.ok() && states.TooMuch()) return false;
  if (!read.ok()) return read;
  return true;
}

// Adds the keys that were there before and were deleted with a range. False: they are too much.
Result<bool> AddDeletedKeys(KeyIndex& base, const LogStates& before, LogStates& changed) {
  const std::vector<KeyBounds> ranges = changed.deleted();
  for (const KeyBounds& range : ranges) {
    for (auto at = before.states().lower_bound(range.lower);
         at != before.states().end() && IsBetween(range, at->first); ++at) {
      if (changed.Find(at->first) == nullptr) changed.Set(at->first, std::nullopt);
    }
    const std::unique_ptr<IndexCursor> cursor = base.NewCursor(range.lower, range.upper, nullptr);
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
      if (changed.Find(cursor->key()) == nullptr) changed.Set(cursor->key(), std::nullopt);
      if (changed.TooMuch()) return false;
    }
    RAWKV_RETURN_IF_ERROR(cursor->status());
  }
  return !changed.TooMuch();
}

// A survey of the store; absent if one of the two versions is not reachable.
Result<std::optional<StoreSurvey>> SurveyFor(const HistorySource& source, const DiffRange& range) {
  RAWKV_ASSIGN_OR_RETURN(StoreSurvey survey, Survey(source.context));
  RAWKV_RETURN_IF_ERROR(survey.unread);
  const Reachability reachable = ToReachability(survey, source.tip, {});
  const bool both = reachable.IsReachable(range.older) && reachable.IsReachable(range.newer);
  return both ? std::optional(std::move(survey)) : std::nullopt;
}

// The newest snapshot at or below the older version from which the log leads on; absent if there is none.
std::optional<Version> BaseOf(const StoreSurvey& survey, const DiffRange& range) {
  std::optional<Version> base;
  for (const SnapshotInfo& snapshot : survey.snapshots) {
    if (snapshot.version <= range.older && survey.log_first <= Next(snapshot.version))
      base = snapshot.version;
  }
  return base;
}

}  // namespace

Result<std::optional<Differences>> DiffByUndo(const HistorySource& source, const DiffRange& range) {
  // Commits may follow meanwhile; their records are not those that are needed.
  const std::shared_ptr<const ReadPoint> point = source.index.TakeReadPoint();
  RAWKV_ASSIGN_OR_RETURN(const MetaRecord meta, source.index.Meta(point.get()));
  // Records also exist of versions that are no longer kept.
  RAWKV_ASSIGN_OR_RETURN(const std::optional<StoreSurvey> survey, SurveyFor(source, range));
  if (!survey || range.newer > meta.applied) return std::optional<Differences>();
  UndoReader reader(source);
  struct Pair {
    State from, to;
    bool to_known = false;
  };
  std::map<std::string, Pair> keys;
  uint64_t bytes = 0;
  for (Version version = Next(range.older); version <= meta.applied; version = Next(version)) {
    RAWKV_ASSIGN_OR_RETURN(const std::optional<UndoRecord> record, reader.Read(version));
    if (!record) return std::optional<Differences>();
    for (const UndoRecord::Key& changed : record->keys) {
      if (!IsBetween(range.bounds, changed.key)) continue;
      if (version <= range.newer) {
        if (keys.try_emplace(changed.key, Pair{.from = StateOf(changed.before)}).second) {
          bytes += changed.key.size() + sizeof(Pair);
        }
      } else if (const auto at = keys.find(changed.key); at != keys.end() && !at->second.to_known) {
        at->second.to = StateOf(changed.before);
        at->second.to_known = true;
      }
    }
    if (bytes > kMaxDiffBytes) return std::optional<Differences>();
  }
  Differences out;
  for (auto& [key, pair] : keys) {
    if (!pair.to_known) {
      RAWKV_ASSIGN_OR_RETURN(const std::optional<IndexEntry> entry, source.index.Get(key, point.get()));
      pair.to = StateOf(entry);
    }
    AddIfDifferent(key, pair.from, pair.to, out);
  }
  return std::optional(std::move(out));
}

Result<std::optional<Differences>> DiffByLog(const HistorySource& source, const DiffRange& range) {
  RAWKV_ASSIGN_OR_RETURN(const std::optional<StoreSurvey> survey, SurveyFor(source, range));
  const std::optional<Version> base = survey ? BaseOf(*survey, range) : std::nullopt;
  if (!base) return std::optional<Differences>();
  LogStates changed(range.bounds), before(range.bounds);
  RAWKV_ASSIGN_OR_RETURN(const bool read, ReadInto(source, range.older, range.newer, changed));
  before.LimitTo(changed);
  if (!read) return std::optional<Differences>();
  RAWKV_ASSIGN_OR_RETURN(const bool read_before, ReadInto(source, *base, range.older, before));
  if (!read_before) return std::optional<Differences>();
  RAWKV_ASSIGN_OR_RETURN(
      const std::unique_ptr<KeyIndex> index,
      OpenIndexForReading(source.context.env, source.context.snapshots->IndexPathOf(*base)));
  RAWKV_ASSIGN_OR_RETURN(const bool added, AddDeletedKeys(*index, before, changed));
  if (!added) return std::optional<Differences>();
  Differences out;
  for (const auto& [key, to] : changed.states()) {
    State from;
    if (const State* const known = before.Find(key); known != nullptr) {
      from = *known;
    } else if (!before.Deleted(key)) {
      RAWKV_ASSIGN_OR_RETURN(const std::optional<IndexEntry> entry, index->Get(key));
      from = StateOf(entry);
    }
    AddIfDifferent(key, from, to, out);
  }
  return std::optional(std::move(out));
}

Status DiffByComparison(const EngineView& older, const EngineView& newer, const KeyBounds& bounds,
                        uint64_t limit, const DiffFn& fn) {
  const auto cursor_of = [&](const EngineView& view) {
    auto cursor = view.index().NewCursor(bounds.lower, bounds.upper, view.point());
    cursor->SeekToFirst();
    return cursor;
  };
  const std::unique_ptr<IndexCursor> before = cursor_of(older), after = cursor_of(newer);
  for (uint64_t found = 0; (before->Valid() || after->Valid()) && found < limit;) {
    const int order = !before->Valid() ? 1 : !after->Valid() ? -1 : before->key().compare(after->key());
    KeyDifference difference{.key = std::string((order <= 0 ? before : after)->key())};
    if (order <= 0) {
      RAWKV_ASSIGN_OR_RETURN(const IndexEntry entry, before->entry());
      difference.from = StateOf(entry);
      before->Next();
    }
    if (order >= 0) {
      RAWKV_ASSIGN_OR_RETURN(const IndexEntry entry, after->entry());
      difference.to = StateOf(entry);
      after->Next();
    }
    // After an error a cursor looks as if it were at its end, and the rest of the other would differ.
    RAWKV_RETURN_IF_ERROR(before->status());
    RAWKV_RETURN_IF_ERROR(after->status());
    if (!Differ(difference.from, difference.to)) continue;
    ++found;
    RAWKV_RETURN_IF_ERROR(fn(difference));
  }
  RAWKV_RETURN_IF_ERROR(before->status());
  return after->status();
}

}  // namespace rawkv
