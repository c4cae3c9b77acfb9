#include <fmt/format.h>

#include "report/history_json.h"
#include "tools/cli/byte_size.h"
#include "tools/cli/text_format.h"
#include "tools/cli/time_text.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/table.h"

namespace rawkv::ctl {
namespace {

std::string ChangeText(const KeyChange& change) {
  switch (change.kind) {
    case KeyChange::Kind::kPut:
      return fmt::format("\tput\t{}\t{}", EscapeKey(change.key), change.value_bytes);
    case KeyChange::Kind::kDelete:
      return fmt::format("\tdelete\t{}", EscapeKey(change.key));
    case KeyChange::Kind::kDeleteRange:
      return fmt::format("\tdelete from\t{}\tto\t{}", EscapeKey(change.key), EscapeKey(change.end_key));
  }
  __builtin_unreachable();
}

Status PrintEntry(Invocation& call, Table& table, const HistoryEntry& entry, const HistoryOptions& options) {
  if (call.flags.json) return call.out.Line(JsonText(HistoryEntryJson(entry, options)));
  const CommitRecord& commit = entry.commit;
  std::vector<std::string> cells = {ToString(commit.version), UtcTimeMs(commit.time_unix_ms)};
  if (entry.changes_known) {
    cells.push_back(Counted(entry.puts, "put") + ", " + Counted(entry.deletes, "delete"));
    cells.push_back(HumanBytes(entry.value_bytes));
  } else {
    cells.insert(cells.end(), {"changes not known (kept by a snapshot only)", "-"});
  }
  if (!commit.metadata.empty()) cells.push_back(EscapeKey(commit.metadata));
  RAWKV_RETURN_IF_ERROR(table.Row(cells));
  for (const KeyChange& change : entry.changes) RAWKV_RETURN_IF_ERROR(call.out.Line(ChangeText(change)));
  return Status::Ok();
}

// The bounds of --key, --key_b64, --prefix and --prefix_b64.
Status SetBounds(const Flags& flags, HistoryOptions* options) {
  if (flags.key.has_value() + flags.key_b64.has_value() + flags.prefix.has_value() > 1) {
    return Status::InvalidArgument("give only one of --key, --key_b64, --prefix and --prefix_b64");
  }
  options->prefix = flags.prefix.value_or("");
  if (!flags.key.has_value() && !flags.key_b64.has_value()) return Status::Ok();
  options->lower = flags.key.has_value() ? *flags.key : *flags.key_b64;
  if (options->lower.empty()) return Status::InvalidArgument("a key must have at least one byte");
  options->upper = options->lower + '\0';
  return Status::Ok();
}

// Sets `options` to the versions that were committed from `from` to `to`. Returns false if there are none.
Result<bool> SetVersions(Engine& engine, const VersionBound& from, const VersionBound& to,
                         HistoryOptions* options) {
  if (to.has_value()) {
    const Result<Version> newest = ResolveBound(engine, to);
    if (newest.status().code() == StatusCode::kVersionUnreachable) return false;  // all are newer
    RAWKV_ASSIGN_OR_RETURN(options->to, newest);
  }
  options->from = from.version;
  if (from.unix_ms.value_or(0) == 0) return true;
  const Result<Version> before = engine.FindVersionAt(*from.unix_ms - 1);
  if (before.ok()) options->from = Next(*before);
  return before.ok() || before.status().code() == StatusCode::kVersionUnreachable
             ? Result<bool>(true)
             : Result<bool>(before.status());
}

}  // namespace

Result<ExitStatus> RunLog(Invocation& call) {
  const Flags& flags = call.flags;
  HistoryOptions options{.changes = flags.keys};
  RAWKV_ASSIGN_OR_RETURN(const VersionBound from, ParseVersionBound("from", flags.from));
  RAWKV_ASSIGN_OR_RETURN(const VersionBound to, ParseVersionBound("to", flags.to));
  options.limit = flags.limit.value_or(0);
  RAWKV_RETURN_IF_ERROR(SetBounds(flags, &options));
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  Table table(call.out, {{"VERSION", 10}, {"TIME", 24}, {"CHANGES", 24}, {"SIZE", 10}, {"METADATA", 1}});
  RAWKV_ASSIGN_OR_RETURN(const bool any, SetVersions(*engine, from, to, &options));
  if (any) {
    RAWKV_RETURN_IF_ERROR(engine->ReadHistory(
        options, [&](const HistoryEntry& entry) { return PrintEntry(call, table, entry, options); }));
  }
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
