#include "engine/maintenance/history_cost.h"

#include <algorithm>

#include "wal/segment_name.h"

namespace rawkv {
namespace {

struct FileCost {
  Version version;
  uint64_t log_bytes = 0;
  uint64_t table_bytes = 0;
};

struct TableFile {
  FileId id;
  uint64_t bytes = 0;
};

std::vector<TableFile> TablesIn(Fs& fs, const std::string& dir) {
  std::vector<TableFile> tables;
  const Result<std::vector<std::string>> names = fs.List(dir);
  if (!names.ok()) return tables;
  for (const std::string& name : *names) {
    if (!name.ends_with(".sst")) continue;
    const Result<FileStat> stat = fs.Stat(JoinPath(dir, name));
    if (stat.ok()) tables.push_back({stat->id, stat->size_bytes});
  }
  return tables;
}

bool Has(const std::vector<FileId>& ids, const FileId& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

void MeasureTables(const StoreContext& c, const StoreSurvey& survey, std::vector<FileCost>* costs) {
  Fs& fs = *c.env.fs;
  std::vector<FileId> newer;  // held by the working index, or by a snapshot that was looked at
  for (const TableFile& table : TablesIn(fs, c.paths.working_index())) newer.push_back(table.id);
  for (auto cost = costs->rbegin(); cost != costs->rend(); ++cost) {
    const std::string dir = JoinPath(c.paths.dir, SnapshotStore::DirName(cost->version));
    for (const TableFile& table : TablesIn(fs, JoinPath(dir, "index"))) {
      if (Has(newer, table.id)) continue;
      newer.push_back(table.id);
      if (!survey.current || cost->version < *survey.current) cost->table_bytes += table.bytes;
    }
  }
}

void MeasureLog(const StoreContext& c, const StoreSurvey& survey, std::vector<FileCost>* costs) {
  const Reachability reach = ToReachability(survey, survey.snapshots.back().version, {});
  const Result<std::vector<SegmentFile>> segments = ListSegmentFiles(*c.env.fs, c.paths.wal());
  if (!segments.ok()) return;
  for (size_t i = 0; i + 1 < segments->size(); ++i) {
    const Version last = Previous((*segments)[i + 1].first);
    // The newest snapshot from which a replay reads this segment.
    const Version* reader = nullptr;
    for (const Version& v : reach.snapshots) {
      if (v < last) reader = &v;
    }
    if (reader == nullptr || (survey.current && *reader >= *survey.current)) continue;
    const auto cost = std::find_if(costs->begin(), costs->end(),
                                   [&](const FileCost& other) { return other.version == *reader; });
    if (cost != costs->end()) cost->log_bytes += (*segments)[i].bytes;
  }
}

PinnedBy RowOf(const StoreSurvey& survey, const FileCost& cost) {
  PinnedBy row{.kind = "snapshot",
               .name = ToString(cost.version),
               .version = cost.version,
               .slots = 0,
               .log_bytes = cost.log_bytes,
               .table_bytes = cost.table_bytes};
  if (!survey.Pinned(cost.version)) return row;
  row.kind = survey.NamedPinned(cost.version) ? "pin" : "tier";
  for (const auto& [name, version] : survey.pins) {
    if (version == cost.version && !IsTierPin(name)) row.name = name;
  }
  return row;
}

}  // namespace

std::vector<PinnedBy> MeasureHistoryFiles(const StoreContext& context, const StoreSurvey& survey) {
  std::vector<PinnedBy> rows;
  if (survey.snapshots.empty()) return rows;
  std::vector<FileCost> costs;
  for (const SnapshotInfo& s : survey.snapshots) costs.push_back({.version = s.version});
  MeasureTables(context, survey, &costs);
  MeasureLog(context, survey, &costs);
  for (const FileCost& cost : costs) {
    if (cost.log_bytes + cost.table_bytes != 0) rows.push_back(RowOf(survey, cost));
  }
  return rows;
}

void AddSlotHolders(std::vector<PinnedBy> slots, std::vector<PinnedBy>* rows) {
  for (const PinnedBy& files : *rows) {
    const auto row = std::find_if(slots.begin(), slots.end(), [&](const PinnedBy& holder) {
      return holder.kind == files.kind && holder.name == files.name;
    });
    if (row == slots.end()) {
      slots.push_back(files);
      continue;
    }
    row->log_bytes = files.log_bytes;
    row->table_bytes = files.table_bytes;
  }
  rows->swap(slots);
}

}  // namespace rawkv
