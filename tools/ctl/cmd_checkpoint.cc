#include <fmt/format.h>

#include "base/base64.h"
#include "engine/checkpoint/rebuild.h"
#include "report/json_text.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/upkeep.h"

namespace rawkv::ctl {
namespace {

OrderedJson RebuildJson(const RebuildReport& report) {
  OrderedJson refused = OrderedJson::array();
  for (const RebuildReport::Refused& half : report.refused) {
    refused.push_back(OrderedJson{{"what", half.what}, {"reason", half.reason}});
  }
  OrderedJson damaged = OrderedJson::array();
  for (const RebuildReport::Damaged& value : report.damaged) {
    damaged.push_back(OrderedJson{{"key_b64", EncodeBase64(value.key)}, {"error", value.error}});
  }
  return OrderedJson{{"store_uuid", report.store_uuid.ToString()},
                     {"device_uuid", report.device_uuid.ToString()},
                     {"device", report.device},
                     {"version", report.version.value()},
                     {"checkpoint_unix_ms", report.checkpoint_unix_ms},
                     {"keys", report.keys},
                     {"slots", report.slots},
                     {"verified", report.verified},
                     {"refused", refused},
                     {"damaged", damaged}};
}

std::string RebuildText(const RebuildReport& report) {
  std::string text = fmt::format(
      "store    {}\ndevice   {}\n         {}\nversion  {}, of a checkpoint of {}\nkeys     {}{}\n",
      report.store_uuid.ToString(), report.device_uuid.ToString(), OneLine(report.device),
      report.version.value(), UtcTime(report.checkpoint_unix_ms), report.keys,
      report.verified ? ", every payload verified" : "");
  for (const RebuildReport::Refused& half : report.refused) {
    text += fmt::format("refused: {}: {}\n", OneLine(half.what), OneLine(half.reason));
  }
  for (const RebuildReport::Damaged& value : report.damaged) {
    text += fmt::format("damage: {}: {}\n", EscapeKey(value.key), OneLine(value.error));
  }
  return text;
}

}  // namespace

Result<ExitStatus> RunCheckpoint(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(Upkeep store, Upkeep::Open(call));
  RAWKV_ASSIGN_OR_RETURN(const Version version, store.WriteCheckpoint());
  RAWKV_RETURN_IF_ERROR(PrintVersion(call, version));
  RAWKV_RETURN_IF_ERROR(store.Close());
  return ExitStatus::kDone;
}

Result<ExitStatus> RunRebuild(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  if (call.flags.from.value_or("checkpoint") != "checkpoint") {
    return Status::NotSupported("--from=" + *call.flags.from +
                                " is not supported; a store is rebuilt from a checkpoint");
  }
  const Result<RebuildReport> report = RebuildStore(dir, {.device = call.flags.device.value_or(""),
                                                          .verify_payload = call.flags.deep,
                                                          .engine = call.flags.engine,
                                                          .progress = call.progress.Callback(),
                                                          .env = {}});
  call.progress.Wipe();
  if (!report.ok()) return TurnAbsentIntoRefused(report.status());
  RAWKV_RETURN_IF_ERROR(call.flags.json ? call.out.Line(JsonText(RebuildJson(*report)))
                                        : call.out.Write(RebuildText(*report)));
  return report->damaged.empty() ? ExitStatus::kDone : ExitStatus::kNo;
}

}  // namespace rawkv::ctl
