// The calls of the C interface on a store that this process does not have open.

#include "base/version_info.h"
#include "bindings/c/handles.h"
#include "bindings/c/option_text.h"
#include "bindings/c/store_options.h"
#include "engine/admin/inspect.h"
#include "engine/admin/repair.h"
#include "report/check_json.h"
#include "report/history_json.h"
#include "report/info_json.h"

namespace rawkv::c {
namespace {

Result<OpenOptions> Closed(const char* function, const char* text) {
  OptionText options(function);
  return ParseClosedOptions(options, text);
}

struct CheckCall {
  OpenOptions open;
  bool deep = false;
};
Result<CheckCall> ParseCheck(const char* function, const char* text) {
  CheckCall call;
  OptionText options(function);
  options.Flag("deep", &call.deep);
  RAWKV_ASSIGN_OR_RETURN(call.open, ParseClosedOptions(options, text));
  return call;
}

std::string RepairText(const CheckReport& report, const std::vector<RepairStep>& steps,
                       const RepairPlan& plan, bool agreed) {
  OrderedJson json = RepairJson(report, steps, plan);
  json["trusted"] = plan.trusted;
  json["hopeless"] = plan.hopeless;
  json["tip"] = plan.tip.value();
  json["needs_agreement"] = plan.needs_confirmation();
  json["agreed"] = agreed;
  return JsonText(json);
}

template <typename Row, typename ToJson>
std::string Lines(const std::vector<Row>& rows, const ToJson& to_json) {
  std::string text;
  for (const Row& row : rows) text += JsonText(to_json(row)) + '\n';
  return text;
}

}  // namespace
}  // namespace rawkv::c

using namespace rawkv;     // NOLINT: the functions below are outside of any namespace
using namespace rawkv::c;  // NOLINT

const char* rawkv_library_version(void) {
  return RAWKV_VERSION_STRING;
}

int rawkv_store_info_json(const char* dir, const char* options, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const OpenOptions open, Closed("rawkv_store_info_json", options));
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, InspectStore(dir, open));
    return JsonText(InfoJson(info));
  });
}

int rawkv_store_interrupted(const char* dir, const char* options, int* interrupted, char** error) {
  *interrupted = 0;
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const OpenOptions open, Closed("rawkv_store_interrupted", options));
    RAWKV_ASSIGN_OR_RETURN(const bool work, HasInterruptedWork(dir, open));
    *interrupted = work ? 1 : 0;
    return Status::Ok();
  });
}

int rawkv_store_snapshots_json(const char* dir, const char* options, char** lines, char** error) {
  return RunForText(lines, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const OpenOptions open, Closed("rawkv_store_snapshots_json", options));
    RAWKV_ASSIGN_OR_RETURN(const std::vector<SnapshotRow> rows, ListSnapshots(dir, open));
    return Lines(rows, SnapshotJson);
  });
}

int rawkv_store_verify_snapshots_json(const char* dir, uint64_t version, const char* options, char** lines,
                                      char** error) {
  return RunForText(lines, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const OpenOptions open, Closed("rawkv_store_verify_snapshots_json", options));
    RAWKV_ASSIGN_OR_RETURN(const std::vector<SnapshotVerdict> verdicts,
                           VerifySnapshots(dir, VersionOrTip(version), open));
    return Lines(verdicts, VerdictJson);
  });
}

int rawkv_store_log_json(const char* dir, const char* options, char** lines, char** error) {
  return RunForText(lines, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const OpenOptions open, Closed("rawkv_store_log_json", options));
    RAWKV_ASSIGN_OR_RETURN(const std::vector<LogSegmentRow> rows, ListLog(dir, open));
    return Lines(rows, LogSegmentJson);
  });
}

int rawkv_store_verify_log_json(const char* dir, const char* options, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const OpenOptions open, Closed("rawkv_store_verify_log_json", options));
    RAWKV_ASSIGN_OR_RETURN(const CheckReport report, VerifyLog(dir, open));
    return JsonText(CheckReportFields(report));
  });
}

int rawkv_store_check_json(const char* dir, const char* options, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const CheckCall call, ParseCheck("rawkv_store_check_json", options));
    RAWKV_ASSIGN_OR_RETURN(const CheckReport report, CheckStore(dir, {.deep = call.deep}, call.open));
    return JsonText(CheckReportFields(report));
  });
}

int rawkv_store_repair_plan_json(const char* dir, const char* options, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const CheckCall call, ParseCheck("rawkv_store_repair_plan_json", options));
    CheckReport found;
    RAWKV_ASSIGN_OR_RETURN(const RepairPlan plan, PlanRepair(dir, {.deep = call.deep}, call.open, &found));
    return RepairText(found, plan.steps, plan, false);
  });
}

int rawkv_store_repair_json(const char* dir, const char* options, const rawkv_version_range* may_give_up,
                            size_t range_size, size_t count, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const CheckCall call, ParseCheck("rawkv_store_repair_json", options));
    RepairOptions repair{.deep = call.deep, .may_give_up = {}};
    if (may_give_up != nullptr) {
      if (range_size != sizeof(rawkv_version_range)) {
        return Status::InvalidArgument("rawkv_store_repair_json: a wrong range_size");
      }
      VersionRanges& ranges = repair.may_give_up.emplace();
      for (size_t i = 0; i < count; ++i) {
        ranges.emplace_back(Version(may_give_up[i].first), Version(may_give_up[i].last));
      }
    }
    RAWKV_ASSIGN_OR_RETURN(const RepairReport done, RepairStore(dir, repair, call.open));
    return RepairText(done.left, done.repaired, done.plan, done.agreed);
  });
}

int rawkv_store_rollback_plan_json(const char* dir, uint64_t target, uint32_t flags, const char* options,
                                   char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const RollbackOptions rollback,
                           RollbackOptionsOf("rawkv_store_rollback_plan_json", flags));
    RAWKV_ASSIGN_OR_RETURN(const OpenOptions open, Closed("rawkv_store_rollback_plan_json", options));
    RAWKV_ASSIGN_OR_RETURN(const RollbackPlan plan,
                           PlanOfflineRollback(dir, Version(target), rollback, open));
    return JsonText(RollbackPlanJson(plan));
  });
}

int rawkv_store_rollback(const char* dir, uint64_t target, uint32_t flags, const char* options,
                         char** error) {
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const RollbackOptions rollback, RollbackOptionsOf("rawkv_store_rollback", flags));
    RAWKV_ASSIGN_OR_RETURN(const OpenOptions open, Closed("rawkv_store_rollback", options));
    return OfflineRollback(dir, Version(target), rollback, open);
  });
}
