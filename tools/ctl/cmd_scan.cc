#include <fmt/format.h>

#include "base/sha256.h"
#include "tools/cli/json_text.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/key_selection.h"
#include "tools/ctl/store_access.h"

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

std::string RowText(const Flags& flags, const Iterator& at, const std::string& value) {
  std::string row = fmt::format("{}\t{}\t{}", EscapeKey(at.key()), at.value_bytes(), at.written_by().value());
  if (flags.sha256) row += '\t' + ToHex(Sha256Of(AsBytes(value)));
  if (flags.values) row += '\t' + EscapeKey(value);
  return row;
}

Status PrintRows(Invocation& call, Iterator& at) {
  const Flags& flags = call.flags;
  const uint64_t limit = flags.limit.value_or(0);
  uint64_t rows = 0;
  for (at.SeekToFirst(); at.Valid() && (limit == 0 || rows < limit); at.Next(), ++rows) {
    std::string value;
    if (flags.sha256 || flags.values) {
      RAWKV_ASSIGN_OR_RETURN(value, at.ReadValue());
    }
    RAWKV_RETURN_IF_ERROR(call.out.Line(flags.json ? RowJson(flags, at, value) : RowText(flags, at, value)));
    call.ReportRows({.what = "scan", .done = rows + 1, .total = limit, .unit = "keys"});
  }
  return at.status();
}

}  // namespace

Result<ExitStatus> RunScan(Invocation& call) {
  RAWKV_RETURN_IF_ERROR(SelectedKeys(call.flags).status());
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  {
    RAWKV_ASSIGN_OR_RETURN(const auto iterator, OpenSelection(*engine, call.flags));
    RAWKV_RETURN_IF_ERROR(PrintRows(call, *iterator));
  }  // views and iterators must be destroyed before Close
  RAWKV_RETURN_IF_ERROR(engine->Close());
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
