#include "report/history_json.h"

#include <cmath>

#include "report/info_json.h"

namespace rawkv {
namespace {

OrderedJson ChangeJson(const KeyChange& change) {
  OrderedJson row;
  switch (change.kind) {
    case KeyChange::Kind::kPut:
      row["op"] = "put";
      SetKey(row, "key", change.key);
      row["size"] = change.value_bytes;
      break;
    case KeyChange::Kind::kDelete:
      row["op"] = "delete";
      SetKey(row, "key", change.key);
      break;
    case KeyChange::Kind::kDeleteRange:
      row["op"] = "delete_range";
      SetKey(row, "from", change.key);
      SetKey(row, "to", change.end_key);
      break;
  }
  return row;
}

OrderedJson StateJson(const std::optional<KeyState>& state) {
  if (!state.has_value()) return nullptr;
  return OrderedJson{{"size", state->value_bytes}, {"version", state->written_by.value()}};
}

// Adds the fields "replay_bytes", "estimated_seconds" and "rate_measured".
void AddWork(const ReplayEstimate& work, OrderedJson* document) {
  (*document)["replay_bytes"] = work.replay_bytes;
  (*document)["estimated_seconds"] = std::round(work.seconds() * 1000) / 1000;
  (*document)["rate_measured"] = work.measured;
}

}  // namespace

OrderedJson CommitJson(const CommitRecord& commit) {
  OrderedJson row{{"version", commit.version.value()},
                  {"lineage", ToHex(commit.lineage.value())},
                  {"time_unix_ms", commit.time_unix_ms}};
  SetKey(row, "metadata", commit.metadata);
  return row;
}

OrderedJson HistoryEntryJson(const HistoryEntry& entry, const HistoryOptions& options) {
  OrderedJson row{{"version", entry.commit.version.value()},
                  {"lineage", ToHex(entry.commit.lineage.value())},
                  {"time_unix_ms", entry.commit.time_unix_ms},
                  {"changes_known", entry.changes_known},
                  {"puts", entry.puts},
                  {"deletes", entry.deletes},
                  {"value_bytes", entry.value_bytes}};
  SetKey(row, "metadata", entry.commit.metadata);
  if (options.changes) {
    OrderedJson changes = OrderedJson::array();
    for (const KeyChange& change : entry.changes) changes.push_back(ChangeJson(change));
    row["changes"] = std::move(changes);
  }
  return row;
}

std::string_view ChangeOf(const KeyDifference& d) {
  return !d.from.has_value() ? "added" : !d.to.has_value() ? "removed" : "changed";
}

OrderedJson DifferenceJson(const KeyDifference& d) {
  OrderedJson row{{"change", ChangeOf(d)}};
  SetKey(row, "key", d.key);
  row["from"] = StateJson(d.from);
  row["to"] = StateJson(d.to);
  return row;
}

OrderedJson EstimateJson(const ReplayEstimate& work) {
  OrderedJson json{{"undo_versions", work.undo_versions}, {"replay_records", work.replay_records}};
  AddWork(work, &json);
  return json;
}

OrderedJson RollbackPlanJson(const RollbackPlan& plan) {
  OrderedJson versions;  // null
  if (plan.versions_dropped.has_value()) {
    const auto& [first, last] = *plan.versions_dropped;
    versions = {first.value(), last.value()};
  }
  OrderedJson json{{"from", plan.from.value()},
                   {"to", plan.to.value()},
                   {"base", plan.base.value()},
                   {"records", plan.records},
                   {"start", VersionJson(plan.start)},
                   {"versions_dropped", versions},
                   {"snapshots_dropped", VersionsJson(plan.snapshots_dropped)},
                   {"pins_dropped", PinsJson(plan.pins_dropped)},
                   {"blocked_by", plan.blocked_by},
                   {"log_begins_anew", plan.log_begins_anew},
                   {"history_dropped", RangesJson(plan.history_dropped)}};
  AddWork(plan.estimate, &json);
  return json;
}

}  // namespace rawkv
