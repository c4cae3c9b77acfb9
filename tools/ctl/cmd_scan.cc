#include <string>
#include <vector>

#include "base/sha256.h"
#include "report/json_text.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/key_selection.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/table.h"

namespace rawkv::ctl {
namespace {

// `value` is there if --sha256 or --values is given.
std::string RowJson(const Flags& flags, const Iterator& at, const std::string& value) {
  OrderedJson row;
  SetKey(row, "key", at.key());
  row["size"] = at.value_bytes();
  row["version"] = at.written_by().value();
  if (flags.sha256) row["sha256"] = ToHex(Sha256Of(AsBytes(value)));
  if (flags.values) SetKey(row, "value", value);
  return JsonText(row);
}

std::vector<Table::Column> ColumnsOf(const Flags& flags) {
  std::vector<Table::Column> columns = {{"KEY", 32}, {"SIZE", 10}, {"VERSION", 10}};
  if (flags.sha256) columns.push_back({"SHA256", 64});
  if (flags.values) columns.push_back({"VALUE", 1});
  return columns;
}

std::vector<std::string> RowCells(const Flags& flags, const Iterator& at, const std::string& value) {
  std::vector<std::string> cells = {EscapeKey(at.key()), std::to_string(at.value_bytes()),
                                    ToString(at.written_by())};
  if (flags.sha256) cells.push_back(ToHex(Sha256Of(AsBytes(value))));
  if (flags.values) cells.push_back(EscapeKey(value));
  return cells;
}

Status PrintRows(Invocation& call, Iterator& at) {
  const Flags& flags = call.flags;
  const uint64_t limit = flags.limit.value_or(0);
  Table table(call.out, ColumnsOf(flags));
  uint64_t rows = 0;
  for (at.SeekToFirst(); at.Valid() && (limit == 0 || rows < limit); at.Next(), ++rows) {
    std::string value;
    if (flags.sha256 || flags.values) {
      RAWKV_ASSIGN_OR_RETURN(value, at.ReadValue());
    }
    RAWKV_RETURN_IF_ERROR(flags.json ? call.out.Line(RowJson(flags, at, value))
                                     : table.Row(RowCells(flags, at, value)));
    call.ReportRows({.what = "scan", .done = rows + 1, .total = limit, .unit = "keys"});
  }
  return at.status();
}

}  // namespace

Result<ExitStatus> RunScan(Invocation& call) {
  RAWKV_RETURN_IF_ERROR(SelectedKeys(call.flags).status());
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  {
    RAWKV_ASSIGN_OR_RETURN(const auto iterator, OpenSelection(call, *engine));
    RAWKV_RETURN_IF_ERROR(PrintRows(call, *iterator));
  }  // views and iterators must be destroyed before Close
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
