#include <fmt/format.h>

#include "base/base64.h"
#include "engine/api/results.h"
#include "engine/transfer/transfer.h"
#include "report/json_text.h"
#include "tools/cli/input.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/report_rows.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/table.h"

namespace rawkv::ctl {
namespace {

OrderedJson ChunkJson(const ExportChunkRow& row) {
  return OrderedJson{{"chunk", row.chunk},
                     {"bytes", row.bytes},
                     {"sha256", row.sha256_hex},
                     {"first_key_b64", EncodeBase64(row.first_key)},
                     {"last_key_b64", EncodeBase64(row.last_key)}};
}

std::vector<std::string> ChunkCells(const ExportChunkRow& row) {
  return {OneLine(row.chunk), std::to_string(row.bytes), row.sha256_hex, EscapeKey(row.first_key),
          EscapeKey(row.last_key)};
}

Result<ExitStatus> PrintChunks(Invocation& call) {
  const Flags& flags = call.flags;
  if (flags.version.has_value() || flags.time.has_value() || flags.out.has_value() ||
      flags.base.has_value()) {
    return Status::InvalidArgument(
        "--list=DIR stands alone: it lists an existing export and makes no new one");
  }
  RAWKV_RETURN_IF_ERROR(CheckInputDirectory(*flags.list));
  const Result<std::vector<ExportChunkRow>> rows = ListExport(*flags.list);
  if (!rows.ok()) return TurnAbsentIntoRefused(rows.status());
  Table table(call.out, {{"CHUNK", 14}, {"BYTES", 10}, {"SHA256", 64}, {"FIRST KEY", 16}, {"LAST KEY", 1}});
  for (const ExportChunkRow& row : *rows) {
    RAWKV_RETURN_IF_ERROR(flags.json ? call.out.Line(JsonText(ChunkJson(row))) : table.Row(ChunkCells(row)));
  }
  return ExitStatus::kDone;
}

}  // namespace

Result<ExitStatus> RunExport(Invocation& call) {
  const Flags& flags = call.flags;
  if (flags.list.has_value()) return PrintChunks(call);
  RAWKV_RETURN_IF_ERROR(RequireVersionOrTime(flags));
  if (!flags.out.has_value())
    return Status::InvalidArgument("the target directory is missing; give --out=DIR");
  if (flags.base.has_value()) {
    return Status::NotSupported("--base is not supported yet; without it export writes the whole version");
  }
  ExportOptions options{.out = *flags.out, .progress = call.progress.Callback()};
  options.chunk_bytes = flags.chunk_bytes.value_or(options.chunk_bytes);
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  RAWKV_RETURN_IF_ERROR(ResolveTime(*engine, call.flags));
  const Version version = options.version = *flags.version;
  options.progress = WithTotal(options.progress, EstimateReads(call, *engine).tip_bytes);
  RAWKV_RETURN_IF_ERROR(engine->Export(options));
  call.progress.Wipe();
  RAWKV_RETURN_IF_ERROR(engine.Close());
  const std::string line = flags.json
                               ? JsonText({{"version", version.value()}, {"out", options.out}})
                               : fmt::format("version {} is in {}", version.value(), OneLine(options.out));
  RAWKV_RETURN_IF_ERROR(call.out.Line(line));
  return ExitStatus::kDone;
}

Result<ExitStatus> RunImport(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  if (!call.flags.in.has_value())
    return Status::InvalidArgument("the export's directory is missing; give --in=DIR");
  RAWKV_RETURN_IF_ERROR(CheckInputDirectory(*call.flags.in));
  const ImportOptions options{
      .in = *call.flags.in, .format = FormatOptionsOf(call.flags), .progress = call.progress.Callback()};
  const Result<FormatResult> made = ImportStore(dir, options);
  call.progress.Wipe();
  if (!made.ok()) return TurnAbsentIntoRefused(made.status());
  RAWKV_RETURN_IF_ERROR(PrintFormatResult(call, *made));
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
