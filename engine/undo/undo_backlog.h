#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "base/result.h"
#include "engine/index/key_index.h"
#include "engine/undo/undo_recorder.h"

namespace rawkv {

// The newest versions of a running store that have no undo records in the index yet. A read point holds the
// state before each commit group, so that what the group overwrote is looked up only if a rollback, a view or
// a close asks for it. Most versions leave the window without that, and cost a commit nothing that it would
// notice.
//
// What is here is lost with the process. Of the versions that no index flush has written, a replay makes the
// records. Not thread-safe; for the holder of the write right.
class UndoBacklog {
 public:
  static constexpr uint64_t kMaxBytes = 32ull << 20;

  // Adds a group that ends with version `newest`. `before`: the state of `index` before it.
  void Add(Version newest, UndoRecorder records, std::shared_ptr<KeyIndex> index,
           std::shared_ptr<const ReadPoint> before);
  // Drops the groups below version `first`, and the oldest ones over kMaxBytes.
  void Trim(Version first);
  // Puts the records of the groups that end above `above` into the index and forgets these groups. Returns
  // the oldest of their last versions; absent: there were none. A group whose record cannot be made gets
  // none. After an error some are written.
  Result<std::optional<Version>> WriteAbove(Version above);
  // Must be called before the index is closed.
  void Clear();

 private:
  struct Group {
    Version newest;
    UndoRecorder records;
    std::shared_ptr<KeyIndex> index;
    std::shared_ptr<const ReadPoint> before;  // released before the index
  };
  std::deque<Group> groups_;  // ascending versions
  uint64_t bytes_ = 0;
};

}  // namespace rawkv
