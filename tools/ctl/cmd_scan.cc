#include <fmt/format.h>

#include "base/sha256.h"
#include "tools/cli/json_text.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

std::string RowJson(const Iterator& at, const std::optional<std::string>& sha256) {
  OrderedJson row;
  SetKey(row, "key", at.key());
  row["size"] = at.value_bytes();
  row["version"] = at.written_by().value();
  if (sha256.has_value()) row["sha256"] = *sha256;
  return JsonText(row);
}

std::string RowText(const Iterator& at, const std::optional<std::string>& sha256) {
  std::string row = fmt::format("{}\t{}\t{}", EscapeKey(at.key()), at.value_bytes(), at.written_by().value());
  if (sha256.has_value()) row += '\t' + *sha256;
  return row;
}

Status PrintRows(Invocation& call, Iterator& at) {
  const uint64_t limit = call.flags.limit.value_or(0);
  uint64_t rows = 0;
  for (at.SeekToFirst(); at.Valid() && (limit == 0 || rows < limit); at.Next(), ++rows) {
    std::optional<std::string> sha256;
    if (call.flags.sha256) {
      RAWKV_ASSIGN_OR_RETURN(const std::string value, at.ReadValue());
      sha256 = ToHex(Sha256Of(AsBytes(value)));
    }
    RAWKV_RETURN_IF_ERROR(call.out.Line(call.flags.json ? RowJson(at, sha256) : RowText(at, sha256)));
  }
  return at.status();
}

}  // namespace

Result<ExitStatus> RunScan(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  {
    IteratorOptions options;
    RAWKV_ASSIGN_OR_RETURN(options.view, OpenViewOf(*engine, call.flags));
    options.prefix = call.flags.prefix.value_or("");
    RAWKV_ASSIGN_OR_RETURN(const auto iterator, engine->NewIterator(options));
    RAWKV_RETURN_IF_ERROR(PrintRows(call, *iterator));
  }  // views and iterators must be destroyed before Close
  RAWKV_RETURN_IF_ERROR(engine->Close());
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
