#include <fmt/format.h>

#include <algorithm>

#include "engine/admin/inspect.h"
#include "report/check_json.h"
#include "report/info_json.h"
#include "tools/cli/byte_size.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/report_rows.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/table.h"
#include "tools/ctl/upkeep.h"

namespace rawkv::ctl {
namespace {

const std::vector<Table::Column> kSnapshotColumns = {{"VERSION", 10}, {"LINEAGE", 16}, {"CREATED", 20},
                                                     {"FILES", 9},    {"SIZE", 10},    {"CURRENT", 7},
                                                     {"PINS", 1}};

std::vector<std::string> SnapshotCells(const SnapshotRow& row) {
  return {ToString(row.version),
          ToHex(row.lineage.value()),
          UtcTime(row.created_unix_ms),
          Counted(row.files, "file"),
          HumanBytes(row.bytes),
          row.current ? "current" : "-",
          row.pins.empty() ? "-" : OneLine(fmt::format("pinned: {}", fmt::join(row.pins, ", ")))};
}

std::vector<std::string> VerdictCells(const SnapshotVerdict& verdict) {
  const std::string errors = fmt::format("damaged: {}", fmt::join(verdict.errors, "; "));
  return {ToString(verdict.version), verdict.errors.empty() ? "ok" : OneLine(errors)};
}

Result<std::string> RequirePinName(const Flags& flags) {
  if (!flags.name.has_value()) return Status::InvalidArgument("the pin's name is missing; give --name=NAME");
  return *flags.name;
}

std::string PinJson(const std::string& name, std::optional<Version> version) {
  return JsonText({{"name", name}, {"version", VersionJson(version)}});
}

// The version that a pin holds; absent if no snapshot has a pin of that name.
Result<std::optional<Version>> PinnedVersion(Invocation& call, const std::string& name) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SnapshotRow> rows, ListSnapshots(dir, OpenOptionsOf(call)));
  for (const SnapshotRow& row : rows) {
    if (std::find(row.pins.begin(), row.pins.end(), name) != row.pins.end())
      return std::optional(row.version);
  }
  return std::optional<Version>();
}

}  // namespace

Result<ExitStatus> RunSnapshotCreate(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(Upkeep store, Upkeep::Open(call));
  RAWKV_ASSIGN_OR_RETURN(const Version version, store.CreateSnapshot());
  RAWKV_RETURN_IF_ERROR(PrintVersion(call, version));
  RAWKV_RETURN_IF_ERROR(store.Close());
  return ExitStatus::kDone;
}

Result<ExitStatus> RunSnapshotList(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  const Result<std::vector<SnapshotRow>> rows = ListSnapshots(dir, OpenOptionsOf(call));
  if (!rows.ok()) return TurnAbsentIntoRefused(rows.status());
  Table table(call.out, kSnapshotColumns);
  for (const SnapshotRow& row : *rows) {
    RAWKV_RETURN_IF_ERROR(call.flags.json ? call.out.Line(JsonText(SnapshotJson(row)))
                                          : table.Row(SnapshotCells(row)));
  }
  return ExitStatus::kDone;
}

Result<ExitStatus> RunSnapshotVerify(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  const auto verdicts = VerifySnapshots(dir, call.flags.version, OpenOptionsOf(call));
  call.progress.Wipe();
  if (!verdicts.ok()) return TurnAbsentIntoRefused(verdicts.status());
  Table table(call.out, {{"VERSION", 10}, {"RESULT", 1}});
  bool damage = false;
  for (const SnapshotVerdict& verdict : *verdicts) {
    damage |= !verdict.errors.empty();
    RAWKV_RETURN_IF_ERROR(call.flags.json ? call.out.Line(JsonText(VerdictJson(verdict)))
                                          : table.Row(VerdictCells(verdict)));
  }
  return damage ? ExitStatus::kNo : ExitStatus::kDone;
}

Result<ExitStatus> RunSnapshotDelete(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const Version version, RequireVersion(call.flags));
  RAWKV_ASSIGN_OR_RETURN(Upkeep store, Upkeep::Open(call));
  RAWKV_RETURN_IF_ERROR(TurnAbsentIntoRefused(store.DeleteSnapshot(version)));
  RAWKV_RETURN_IF_ERROR(PrintVersion(call, version));
  RAWKV_RETURN_IF_ERROR(store.Close());
  return ExitStatus::kDone;
}

Result<ExitStatus> RunSnapshotPrune(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(Upkeep store, Upkeep::Open(call));
  RAWKV_ASSIGN_OR_RETURN(const std::vector<Version> removed, store.Prune(call.flags.keep));
  std::string text;
  for (const Version version : removed) text += ToString(version) + '\n';
  RAWKV_RETURN_IF_ERROR(call.flags.json ? call.out.Line(JsonText({{"removed", VersionsJson(removed)}}))
                                        : call.out.Write(text));
  RAWKV_RETURN_IF_ERROR(store.Close());
  return ExitStatus::kDone;
}

Result<ExitStatus> RunSnapshotPin(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string name, RequirePinName(call.flags));
  if (call.flags.time.has_value()) {
    RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
    RAWKV_RETURN_IF_ERROR(ResolveTime(*engine, call.flags));
    RAWKV_RETURN_IF_ERROR(engine.Close());
  }
  RAWKV_ASSIGN_OR_RETURN(Upkeep store, Upkeep::Open(call));
  if (call.flags.version.has_value()) store.AnnouncePin(call, *call.flags.version);
  const Result<Version> version = store.Pin(name, call.flags.version);
  if (!version.ok()) return TurnAbsentIntoRefused(version.status());
  RAWKV_RETURN_IF_ERROR(call.out.Line(call.flags.json ? PinJson(name, *version) : ToString(*version)));
  RAWKV_RETURN_IF_ERROR(store.Close());
  return ExitStatus::kDone;
}

Result<ExitStatus> RunSnapshotUnpin(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string name, RequirePinName(call.flags));
  RAWKV_ASSIGN_OR_RETURN(Upkeep store, Upkeep::Open(call));
  RAWKV_ASSIGN_OR_RETURN(const std::optional<Version> version, PinnedVersion(call, name));
  if (version.has_value() && call.flags.version.value_or(*version) != *version) {
    return Status::FailedPrecondition(fmt::format("pin '{}' holds version {}, not {}", EscapeKey(name),
                                                  version->value(), call.flags.version->value()));
  }
  // Unpin also removes a pin whose snapshot is missing.
  RAWKV_RETURN_IF_ERROR(TurnAbsentIntoRefused(store.Unpin(name)));
  const std::string text = version.has_value() ? ToString(*version) : "-";
  RAWKV_RETURN_IF_ERROR(call.out.Line(call.flags.json ? PinJson(name, version) : text));
  RAWKV_RETURN_IF_ERROR(store.Close());
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
