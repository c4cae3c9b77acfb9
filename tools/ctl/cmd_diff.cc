#include <string>
#include <vector>

#include "tools/cli/json_text.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/table.h"

namespace rawkv::ctl {
namespace {

// One key that differs. An absent iterator means that this version does not have the key.
struct Difference {
  const Iterator* before;
  const Iterator* after;

  std::string_view key() const { return (after != nullptr ? after : before)->key(); }
  std::string_view kind() const {
    return before == nullptr ? "added" : after == nullptr ? "removed" : "changed";
  }
};

OrderedJson EntryJson(const Iterator* at) {
  if (at == nullptr) return nullptr;
  return OrderedJson{{"size", at->value_bytes()}, {"version", at->written_by().value()}};
}

std::string RowJson(const Difference& d) {
  OrderedJson row{{"change", d.kind()}};
  SetKey(row, "key", d.key());
  row["from"] = EntryJson(d.before);
  row["to"] = EntryJson(d.after);
  return JsonText(row);
}

std::vector<std::string> RowCells(const Difference& d) {
  const auto size = [](const Iterator* at) {
    return at == nullptr ? "-" : std::to_string(at->value_bytes());
  };
  const auto version = [](const Iterator* at) { return at == nullptr ? "-" : ToString(at->written_by()); };
  return {std::string(d.kind()), EscapeKey(d.key()), size(d.before),
          size(d.after),         version(d.before),  version(d.after)};
}

// Walks both versions in the order of their keys. A key is the same in both if the same version wrote it.
Status PrintDifferences(Invocation& call, Iterator& before, Iterator& after) {
  const uint64_t limit = call.flags.limit.value_or(0);
  Table table(
      call.out,
      {{"CHANGE", 7}, {"KEY", 32}, {"SIZE A", 10}, {"SIZE B", 10}, {"VERSION A", 10}, {"VERSION B", 1}});
  uint64_t rows = 0;
  before.SeekToFirst();
  after.SeekToFirst();
  while ((before.Valid() || after.Valid()) && (limit == 0 || rows < limit)) {
    const int order = !before.Valid() ? 1 : !after.Valid() ? -1 : before.key().compare(after.key());
    const Difference difference{order <= 0 ? &before : nullptr, order >= 0 ? &after : nullptr};
    if (order != 0 || before.written_by() != after.written_by()) {
      RAWKV_RETURN_IF_ERROR(call.flags.json ? call.out.Line(RowJson(difference))
                                            : table.Row(RowCells(difference)));
      ++rows;
    }
    if (order <= 0) before.Next();
    if (order >= 0) after.Next();
    // After an error an iterator looks as if it were at its end, and the rest of the other would differ.
    RAWKV_RETURN_IF_ERROR(before.status());
    RAWKV_RETURN_IF_ERROR(after.status());
  }
  RAWKV_RETURN_IF_ERROR(before.status());
  return after.status();
}

Result<std::unique_ptr<Iterator>> IteratorAt(Engine& engine, const VersionBound& bound, const Flags& flags) {
  IteratorOptions options;
  RAWKV_ASSIGN_OR_RETURN(const Version version, ResolveBound(engine, bound));
  RAWKV_ASSIGN_OR_RETURN(options.view, engine.OpenView(version));
  options.prefix = flags.prefix.value_or("");
  return engine.NewIterator(options);
}

}  // namespace

Result<ExitStatus> RunDiff(Invocation& call) {
  const Flags& flags = call.flags;
  RAWKV_ASSIGN_OR_RETURN(const VersionBound from, ParseVersionBound("from", flags.from));
  RAWKV_ASSIGN_OR_RETURN(const VersionBound to, ParseVersionBound("to", flags.to));
  if (!from.has_value() || !to.has_value()) {
    return Status::InvalidArgument("the versions are missing; give --from=A and --to=B");
  }
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  {
    RAWKV_ASSIGN_OR_RETURN(const auto before, IteratorAt(*engine, from, flags));
    RAWKV_ASSIGN_OR_RETURN(const auto after, IteratorAt(*engine, to, flags));
    call.progress.Wipe();
    RAWKV_RETURN_IF_ERROR(PrintDifferences(call, *before, *after));
  }  // views and iterators must be destroyed before Close
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
