#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "engine/api/history.h"
#include "engine/index/key_index.h"
#include "engine/store/store_context.h"
#include "engine/store/store_survey.h"

// The retained versions with their times and changes, as the log and the snapshots have them. The functions
// take no lock. A writer may remove segments and snapshots meanwhile; then they fail, and the caller repeats
// them.
namespace rawkv {

// Where a history is read: the tip that readers see, and the index that holds it.
struct HistorySource {
  StoreContext& context;
  KeyIndex& index;
  Version tip;
};

// kVersionUnreachable.
Result<CommitRecord> FindCommit(const HistorySource& source, Version version);

// A part of a history: the versions of at most one segment of the log.
struct HistoryPage {
  std::vector<HistoryEntry> entries;  // newest first
  std::optional<Version> next_to;     // the newest version of the next page; absent: this is the last page
};

// The newest page of the versions in `options.from … options.to`. Its memory grows with the keys of one
// segment if `options.changes` is set, and with the number of versions of one segment otherwise.
Result<HistoryPage> ReadHistoryPage(const HistorySource& source, const HistoryOptions& options);

// The newest retained version whose commit time is at or before `unix_ms`. Reads the first record of
// segments, from the newest one on, and one segment whole. kVersionUnreachable: all retained versions are
// newer.
Result<Version> FindVersionAt(const HistorySource& source, uint64_t unix_ms);

}  // namespace rawkv
