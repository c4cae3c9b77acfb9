#include "engine/undo/undo_recorder.h"

namespace rawkv {
namespace {

// A change in memory, apart from its strings.
constexpr uint64_t kChangeBytes = 256;

Status TooLarge() {
  return Status::FailedPrecondition("the overwritten entries are too large for undo records");
}

}  // namespace

void UndoRecorder::BeginVersion(Version version, Lineage lineage, const MetaRecord& before) {
  versions_.push_back({version, lineage, before, {}});
  bytes_ += kChangeBytes + before.user_metadata.size();
}

bool UndoRecorder::Admit(std::string_view key, const IndexEntry& present) {
  admitted_bytes_ += key.size() + present.value.length();
  return !TooMuch();
}

void UndoRecorder::SetPresent(const IndexEntry* present) {
  if (TooMuch()) return;
  present_known_ = true;
  if (present != nullptr) present_ = EncodeIndexEntry(*present);
}

void UndoRecorder::Change(std::string_view key, std::optional<std::string> after) {
  if (TooMuch()) return;
  Touch touch{.key = key, .present_known = std::exchange(present_known_, false), .present = {}, .after = {}};
  touch.present.swap(present_);
  if (versions_in_batch_ == Versions::kSeveral) touch.after = std::move(after);
  unknown_ += !touch.present_known;
  bytes_ += kChangeBytes + key.size() + (touch.present ? touch.present->size() : 0);
  versions_.back().touches.push_back(std::move(touch));
}

std::string_view UndoRecorder::Keep(std::string key) {
  return kept_keys_.emplace_back(std::move(key));
}

void UndoRecorder::Keep(ChangeSet changes) {
  for (const ChangeOp& op : changes.ops) bytes_ += op.value.is_inline() ? op.value.length() : kChangeBytes;
  kept_sets_.push_back(std::move(changes));
}

Result<UndoRecorder::KeyStates> UndoRecorder::FindPresent(KeyIndex& index, const ReadPoint* at) {
  constexpr size_t kKeysAtATime = 1000;
  KeyStates states;
  std::vector<std::string_view> wanted;
  uint64_t bytes = 0;
  const auto look_up = [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(std::vector<std::optional<std::string>> found, index.MultiGetEncoded(wanted, at));
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (found[i]) bytes += found[i]->size();
      states.at(wanted[i]).entry = std::move(found[i]);
    }
    wanted.clear();
    return bytes <= kMaxBatchBytes ? Status::Ok() : TooLarge();
  };
  for (VersionChanges& version : versions_) {
    for (Touch& touch : version.touches) {
      const auto [state, is_new] = states.try_emplace(touch.key);
      // The changes of this batch lead from the first one on.
      if (!is_new) continue;
      if (touch.present_known) {
        state->second.entry = std::move(touch.present);
        continue;
      }
      wanted.push_back(touch.key);
      if (wanted.size() == kKeysAtATime) RAWKV_RETURN_IF_ERROR(look_up());
    }
  }
  if (!wanted.empty()) RAWKV_RETURN_IF_ERROR(look_up());
  return states;
}

Status UndoRecorder::Complete(KeyIndex& index, const ReadPoint* at) {
  if (TooMuch()) return TooLarge();
  RAWKV_ASSIGN_OR_RETURN(KeyStates states, FindPresent(index, at));
  uint64_t total = 0;
  for (VersionChanges& version : versions_) {
    const bool wanted = version.version >= first_;
    UndoRecordWriter record(version.lineage, version.before);
    for (Touch& touch : version.touches) {
      KeyState& state = states.at(touch.key);
      if (wanted && state.recorded_by != version.version && record.bytes() <= kMaxRecordBytes) {
        record.Add(touch.key, state.entry);
      }
      state.recorded_by = version.version;
      state.entry = std::move(touch.after);
    }
    total += record.bytes();
    if (wanted && record.bytes() <= kMaxRecordBytes && total <= kMaxBatchBytes) {
      records_.emplace_back(version.version, record.Take());
    }
  }
  return {};
}

void UndoRecorder::WriteTo(IndexBatch& batch) {
  for (auto& [version, record] : records_) batch.PutUndo(version, std::move(record));
  records_.clear();
}

}  // namespace rawkv
