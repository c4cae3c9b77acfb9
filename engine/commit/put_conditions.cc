#include "engine/commit/put_conditions.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

namespace rawkv {
namespace {

// What the operations of a round did to the keys so far.
class KeyOverlay {
 public:
  // Absent: no operation touched the key.
  std::optional<bool> Find(std::string_view key) const {
    if (const auto it = keys_.find(key); it != keys_.end()) return it->second;
    for (const ChangeOp* range : ranges_) {
      if (Covers(*range, key)) return false;
    }
    return std::nullopt;
  }
  void Apply(const ChangeOp& op) {
    if (op.kind != ChangeOp::Kind::kDeleteRange) {
      keys_[op.key] = op.kind == ChangeOp::Kind::kPut;
      return;
    }
    for (auto it = keys_.lower_bound(op.key); it != keys_.end() && Covers(op, it->first); ++it) {
      it->second = false;
    }
    ranges_.push_back(&op);
  }

 private:
  static bool Covers(const ChangeOp& range, std::string_view key) {
    return key >= range.key && (range.end_key.empty() || key < range.end_key);
  }

  std::map<std::string_view, bool> keys_;
  std::vector<const ChangeOp*> ranges_;
};

}  // namespace

Status DecideConditions(std::span<PreparedCommit* const> round, KeyIndex& index) {
  std::vector<std::string_view> keys;
  for (PreparedCommit* commit : round) {
    commit->existed.clear();
    commit->filtered.reset();
    for (const uint32_t i : commit->if_absent) keys.push_back(commit->changes.ops[i].key);
  }
  if (keys.empty()) return Status::Ok();
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::optional<std::string>> indexed, index.MultiGetEncoded(keys));
  KeyOverlay overlay;
  size_t asked = 0;
  for (PreparedCommit* commit : round) {
    const std::vector<ChangeOp>& ops = commit->changes.ops;
    FilteredChanges kept;
    auto condition = commit->if_absent.begin();
    for (uint32_t i = 0; i < ops.size(); ++i) {
      if (condition != commit->if_absent.end() && *condition == i) {
        ++condition;
        const bool in_index = indexed[asked++].has_value();
        if (overlay.Find(ops[i].key).value_or(in_index)) {
          commit->existed.push_back(i);
          continue;
        }
      }
      overlay.Apply(ops[i]);
    }
    if (commit->existed.empty()) continue;
    auto left_out = commit->existed.begin();
    for (uint32_t i = 0; i < ops.size(); ++i) {
      if (left_out != commit->existed.end() && *left_out == i) {
        ++left_out;
      } else {
        kept.changes.ops.push_back(ops[i]);
      }
    }
    kept.changes.user_metadata = commit->changes.user_metadata;
    kept.body = EncodeChangeSet(kept.changes);
    commit->filtered = std::move(kept);
  }
  return Status::Ok();
}

}  // namespace rawkv
