#include "engine/undo/undo_recorder.h"

namespace rawkv {
namespace {

Status TooLarge() {
  return Status::FailedPrecondition("the overwritten entries are too large for undo records");
}

}  // namespace

void UndoRecorder::BeginVersion(Version version, Lineage lineage, const MetaRecord& before) {
  versions_.push_back({version, lineage, before, {}});
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

void UndoRecorder::Change(std::string_view key, std::string_view after) {
  if (TooMuch()) return;
  unknown_ += !present_known_;
  ByteWriter& out = versions_.back().touches;
  out.U8(std::exchange(present_known_, false));
  out.Blob(key);
  out.Blob(present_);
  out.Blob(versions_in_batch_ == Versions::kSeveral ? after : std::string_view());
  present_.clear();
}

UndoRecorder::Touch UndoRecorder::ReadTouch(ByteReader& in) {
  Touch touch;
  touch.present_known = in.U8() != 0;
  touch.key = in.Blob();
  touch.present = in.Blob();
  touch.after = in.Blob();
  return touch;
}

uint64_t UndoRecorder::bytes() const {
  uint64_t bytes = sizeof(*this);
  for (const VersionChanges& version : versions_) {
    bytes += sizeof(version) + version.before.user_metadata.size() + version.touches.str().capacity();
  }
  return bytes;
}

Result<UndoRecorder::KeyStates> UndoRecorder::FindPresent(KeyIndex& index, const ReadPoint* at) {
  constexpr size_t kKeysAtATime = 1000;
  KeyStates states;
  std::vector<std::string_view> wanted;
  uint64_t bytes = 0;
  const auto look_up = [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(std::vector<std::optional<std::string>> found, index.MultiGetEncoded(wanted, at));
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (!found[i]) continue;
      bytes += found[i]->size();
      states.of.at(wanted[i]).entry = states.found.emplace_back(*std::move(found[i]));
    }
    wanted.clear();
    return bytes <= kMaxBatchBytes ? Status::Ok() : TooLarge();
  };
  for (const VersionChanges& version : versions_) {
    for (ByteReader in(version.touches.str()); !in.AtEnd();) {
      const Touch touch = ReadTouch(in);
      const auto [state, is_new] = states.of.try_emplace(touch.key);
      // The changes of this batch lead from the first one on.
      if (!is_new) continue;
      if (touch.present_known) {
        state->second.entry = touch.present;
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
  for (const VersionChanges& version : versions_) {
    const bool wanted = version.version >= first_;
    UndoRecordWriter record(version.lineage, version.before);
    for (ByteReader in(version.touches.str()); !in.AtEnd();) {
      const Touch touch = ReadTouch(in);
      KeyState& state = states.of.at(touch.key);
      if (wanted && state.recorded_by != version.version && record.bytes() <= kMaxRecordBytes) {
        record.Add(touch.key, state.entry);
      }
      state.recorded_by = version.version;
      state.entry = touch.after;
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
