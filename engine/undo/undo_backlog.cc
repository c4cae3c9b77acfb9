#include "engine/undo/undo_backlog.h"

#include <utility>

namespace rawkv {

void UndoBacklog::Add(Version newest, UndoRecorder records, std::shared_ptr<KeyIndex> index,
                      std::shared_ptr<const ReadPoint> before) {
  bytes_ += records.bytes();
  groups_.push_back({newest, std::move(records), std::move(index), std::move(before)});
}

void UndoBacklog::Trim(Version first) {
  while (!groups_.empty() && (groups_.front().newest < first || bytes_ > kMaxBytes)) {
    bytes_ -= groups_.front().records.bytes();
    groups_.pop_front();
  }
}

Result<std::optional<Version>> UndoBacklog::WriteAbove(Version above) {
  Result<std::optional<Version>> oldest = std::optional<Version>();
  while (!groups_.empty() && groups_.back().newest > above) {
    Group& group = groups_.back();
    *oldest = group.newest;
    if (group.records.Complete(*group.index, group.before.get()).ok()) {
      const std::unique_ptr<IndexBatch> batch = group.index->NewBatch();
      group.records.WriteTo(*batch);
      RAWKV_RETURN_IF_ERROR(group.index->Apply(*batch));
    }
    bytes_ -= group.records.bytes();
    groups_.pop_back();
  }
  return oldest;
}

void UndoBacklog::Clear() {
  groups_.clear();
  bytes_ = 0;
}

}  // namespace rawkv
