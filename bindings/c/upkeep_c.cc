// The calls of the C interface that change what a store keeps, and the upkeep of its device.

#include "bindings/c/handles.h"
#include "bindings/c/option_text.h"
#include "bindings/c/store_options.h"
#include "report/check_json.h"
#include "report/info_json.h"

namespace rawkv::c {

Result<RollbackOptions> RollbackOptionsOf(const char* function, uint32_t flags) {
  if ((flags & ~RAWKV_DROP_PINS) != 0) {
    return Status::InvalidArgument(std::string(function) + ": an unknown flag");
  }
  return RollbackOptions{.drop_pins = (flags & RAWKV_DROP_PINS) != 0};
}

namespace {

Result<ScrubOptions> ParseScrub(const char* function, const char* text) {
  ScrubOptions scrub;
  OptionText options(function);
  options.Count("bytes_per_second", &scrub.bytes_per_second).Flag("restart", &scrub.restart);
  options.Count("rest_seconds", &scrub.rest_seconds);
  RAWKV_RETURN_IF_ERROR(options.Parse(text));
  return scrub;
}

// The report of rawkv-ctl scrub, and the fields that only a run in the background has.
std::string RunJson(const ScrubReport& report) {
  OrderedJson json = ScrubJson(report);
  json["running"] = report.running;
  json["complete"] = report.complete;
  json["phase"] = report.phase;
  json["stopped"] = report.stopped.ok() ? "" : report.stopped.ToString();
  return JsonText(json);
}

}  // namespace
}  // namespace rawkv::c

using namespace rawkv;     // NOLINT: the functions below are outside of any namespace
using namespace rawkv::c;  // NOLINT

int rawkv_snapshot(rawkv_engine* engine, uint64_t* version, char** error) {
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const Version made, engine->engine->CreateSnapshot());
    if (version != nullptr) *version = made.value();
    return Status::Ok();
  });
}

int rawkv_delete_snapshot(rawkv_engine* engine, uint64_t version, char** error) {
  return Run(error, [&] { return engine->engine->DeleteSnapshot(Version(version)); });
}

int rawkv_prune(rawkv_engine* engine, uint64_t keep, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(
        const std::vector<Version> removed,
        engine->engine->Prune(keep == RAWKV_KEEP_AS_SET ? std::nullopt : std::optional(keep)));
    return JsonText({{"removed", VersionsJson(removed)}});
  });
}

int rawkv_pin(rawkv_engine* engine, const char* name, uint64_t version, uint64_t* pinned, char** error) {
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const Version held, engine->engine->Pin(name, VersionOrTip(version)));
    if (pinned != nullptr) *pinned = held.value();
    return Status::Ok();
  });
}
int rawkv_unpin(rawkv_engine* engine, const char* name, char** error) {
  return Run(error, [&] { return engine->engine->Unpin(name); });
}

int rawkv_rollback(rawkv_engine* engine, uint64_t target, uint32_t flags, char** error) {
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const RollbackOptions options, RollbackOptionsOf("rawkv_rollback", flags));
    return engine->engine->Rollback(Version(target), options);
  });
}

int rawkv_change_settings(rawkv_engine* engine, const char* settings, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const SettingsChange change, ParseSettings("rawkv_change_settings", settings));
    RAWKV_ASSIGN_OR_RETURN(const RuntimeSettings all, engine->engine->ChangeSettings(change));
    return JsonText(AllSettingsJson(all));
  });
}
int rawkv_acknowledge_given_up(rawkv_engine* engine, char** error) {
  return Run(error, [&] { return engine->engine->AcknowledgeGivenUp(); });
}

int rawkv_scrub_json(rawkv_engine* engine, const char* options, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const ScrubOptions scrub, ParseScrub("rawkv_scrub_json", options));
    RAWKV_ASSIGN_OR_RETURN(const ScrubReport report, engine->engine->Scrub(scrub));
    return RunJson(report);
  });
}
int rawkv_scrub_start(rawkv_engine* engine, const char* options, char** error) {
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const ScrubOptions scrub, ParseScrub("rawkv_scrub_start", options));
    return engine->engine->StartScrub(scrub);
  });
}
int rawkv_scrub_stop_json(rawkv_engine* engine, char** json, char** error) {
  return RunForText(json, error,
                    [&]() -> Result<std::string> { return RunJson(engine->engine->StopScrub()); });
}
int rawkv_scrub_report_json(rawkv_engine* engine, char** json, char** error) {
  return RunForText(json, error,
                    [&]() -> Result<std::string> { return RunJson(engine->engine->scrub_report()); });
}

int rawkv_device_grow_json(rawkv_engine* engine, uint64_t capacity_bytes, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    GrowOptions grow;
    if (capacity_bytes != 0) grow.capacity_bytes = capacity_bytes;
    RAWKV_ASSIGN_OR_RETURN(const GrowReport report, engine->engine->GrowDevice(grow));
    return JsonText(GrowJson(report));
  });
}
int rawkv_device_trim_json(rawkv_engine* engine, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const TrimReport report, engine->engine->TrimDevice());
    return JsonText(TrimJson(report));
  });
}
