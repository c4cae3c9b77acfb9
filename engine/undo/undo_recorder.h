#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/byte_codec.h"
#include "base/result.h"
#include "engine/index/key_index.h"
#include "engine/undo/undo_record.h"

namespace rawkv {

// Makes the undo records of the versions that one index batch applies, in three phases: the applier reports
// each change, Complete finds out what was overwritten, and WriteTo puts the records into that batch or a
// later one.
//
// Most recorders leave the window with their version before anybody calls Complete, long after the caches
// have forgotten them. So a recorder keeps its changes in one piece of memory for each version, and of a
// change no more than Complete needs.
//
// A record is a help, and never a condition of a commit: a version whose record would be too large or cannot
// be made gets none. Not thread-safe.
class UndoRecorder {
 public:
  // Bounds the memory and the log-free part of the index that one version and one batch may take.
  static constexpr uint64_t kMaxRecordBytes = 16ull << 20;
  static constexpr uint64_t kMaxBatchBytes = 64ull << 20;

  // How often a key of the batch may change: more than once if the batch has several versions.
  enum class Versions : uint8_t { kOne, kSeveral };
  // Makes records of the versions from `first` on. The batch may begin with older ones.
  UndoRecorder(Version first, Versions versions) : first_(first), versions_in_batch_(versions) {}

  // Begins a version; `before` is the meta record of the version before it.
  void BeginVersion(Version version, Lineage lineage, const MetaRecord& before);
  // Counts an entry that SetPresent will get. False: this batch overwrites too much and gets no records, so
  // that the entry need not be kept.
  bool Admit(std::string_view key, const IndexEntry& present);
  // Reports the entry that the batch holds for the key of the next change; null: none. Without it, Complete
  // looks the entry up.
  void SetPresent(const IndexEntry* present);
  // The version changes `key`. `after` is the encoded entry; empty: the key is deleted.
  void Change(std::string_view key, std::string_view after);

  bool needs_look_ups() const { return unknown_ != 0; }
  // Estimates the memory of what was reported.
  uint64_t bytes() const;

  // Looks up the overwritten entries that nobody has read yet, in the state of `index` before the batch. `at`
  // is that state; null means the present one.
  // After an error there are fewer records.
  Status Complete(KeyIndex& index, const ReadPoint* at = nullptr);
  // Puts the records into the batch.
  void WriteTo(IndexBatch& batch);

 private:
  // A change as Change packs it. An encoded entry is never empty, so an empty one stands for none.
  struct Touch {
    std::string_view key;
    bool present_known = false;
    std::string_view present;  // the entry before, if it is known
    std::string_view after;    // kOne: not kept
  };
  struct VersionChanges {
    Version version;
    Lineage lineage;
    MetaRecord before;
    ByteWriter touches;
  };
  struct KeyState {
    std::string_view entry;
    Version recorded_by;  // the newest version whose record has the key
  };
  // The state of each key before the batch.
  struct KeyStates {
    std::unordered_map<std::string_view, KeyState> of;
    std::deque<std::string> found;  // entries that were looked up
  };

  static Touch ReadTouch(ByteReader& in);
  bool TooMuch() const { return admitted_bytes_ > kMaxBatchBytes; }
  Result<KeyStates> FindPresent(KeyIndex& index, const ReadPoint* at);

  const Version first_;
  const Versions versions_in_batch_;
  uint64_t admitted_bytes_ = 0;
  uint64_t unknown_ = 0;  // changes without SetPresent
  bool present_known_ = false;
  std::string present_;  // for the next change
  std::deque<VersionChanges> versions_;
  std::vector<std::pair<Version, std::string>> records_;
};

}  // namespace rawkv
