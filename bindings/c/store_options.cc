#include "bindings/c/store_options.h"

#include <charconv>
#include <string>

#include "bindings/c/option_text.h"

namespace rawkv::c {
namespace {

Result<Durability> ParseDurability(std::string_view value) {
  if (value == "synced") return Durability::kSynced;
  if (value == "unsafe_unsynced") return Durability::kUnsafeUnsynced;
  return Status::InvalidArgument("must be synced or unsafe_unsynced");
}

Result<uint64_t> ParseSeconds(std::string_view text) {
  uint64_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seconds);
  if (error == std::errc() && rest == end) return seconds;
  return Status::InvalidArgument("must be 0, or EVERY/FOR in seconds, separated by commas");
}

// "3600/86400,86400/2592000"; "0": none.
Result<KeepTiers> ParseTiers(std::string_view value) {
  KeepTiers tiers;
  if (value == "0") return tiers;
  for (;;) {
    const std::string_view tier = value.substr(0, value.find(','));
    const size_t slash = std::min(tier.find('/'), tier.size());
    RAWKV_ASSIGN_OR_RETURN(const uint64_t every, ParseSeconds(tier.substr(0, slash)));
    RAWKV_ASSIGN_OR_RETURN(const uint64_t length,
                           ParseSeconds(tier.substr(std::min(slash + 1, tier.size()))));
    tiers.push_back({every, length});
    if (tier.size() == value.size()) return tiers;
    value.remove_prefix(tier.size() + 1);
  }
}

void AddSetting(OptionText& options, std::string_view key, std::optional<uint64_t>* out) {
  options.Count(key, out);
}
void AddSetting(OptionText& options, std::string_view key, std::optional<Durability>* out) {
  options.Set(key, [out](std::string_view value) -> Status {
    RAWKV_ASSIGN_OR_RETURN(*out, ParseDurability(value));
    return Status::Ok();
  });
}
void AddSetting(OptionText& options, std::string_view key, std::optional<KeepTiers>* out) {
  options.Set(key, [out](std::string_view value) -> Status {
    RAWKV_ASSIGN_OR_RETURN(*out, ParseTiers(value));
    return Status::Ok();
  });
}

// The keys are the names of the settings in JSON.
void AddSettings(OptionText& options, SettingsChange* change) {
  ForEachSetting([&](const auto& setting) { AddSetting(options, setting.json, &(change->*setting.change)); });
}

void AddFinding(OptionText& options, OpenOptions* out) {
  options.Text("device", &out->device).Count("lock_wait_ms", &out->lock_wait_ms);
  options.Set("engine", [out](std::string_view value) -> Status {
    RAWKV_ASSIGN_OR_RETURN(out->engine, ParseIoEngine(value));
    return Status::Ok();
  });
  AddLog(options, &out->env);
}

}  // namespace

void AddLog(OptionText& options, Environment* env) {
  options.Set("log", [env](std::string_view value) -> Status {
    if (value != "stderr" && value != "none") return Status::InvalidArgument("must be stderr or none");
    env->logger = value == "none" ? &NullLogger() : &StderrLogger();
    return Status::Ok();
  });
}

Result<FormatOptions> ParseFormatOptions(const char* text) {
  FormatOptions out;
  SettingsChange settings;
  uint64_t initial = 0;
  OptionText options("rawkv_format");
  options.Text("device", &out.device).Count("capacity", &out.capacity_bytes);
  options.Count("slot_bytes", &out.slot_bytes).Count("header_bytes", &out.header_bytes);
  options.Count("inline_bytes", &out.inline_bytes).Count("initial_version", &initial);
  options.Flag("force", &out.force).Flag("preallocate", &out.preallocate);
  options.Count("meta_total_bytes", &out.meta_total_bytes);
  AddSettings(options, &settings);
  AddLog(options, &out.env);
  RAWKV_RETURN_IF_ERROR(options.Parse(text));
  out.initial_version = Version(initial);
  out.runtime = Changed(out.runtime, settings);
  return out;
}

Result<OpenOptions> ParseOpenOptions(const char* text) {
  OpenOptions out;
  OptionText options("rawkv_open");
  AddFinding(options, &out);
  options.Count("queue_depth", &out.queue_depth).Flag("read_only", &out.read_only);
  options.Flag("accept_older_store", &out.accept_older_store);
  options.Count("slot_bytes", &out.slot_bytes).Count("header_bytes", &out.header_bytes);
  options.Count("inline_bytes", &out.inline_bytes);
  options.Count("memtable_bytes", &out.memtable_bytes).Count("block_cache_bytes", &out.block_cache_bytes);
  options.Count("value_cache_bytes", &out.value_cache_bytes);
  options.Count("group_bytes_max", &out.group_bytes_max).Flag("discard_freed", &out.discard_freed);
  options.Count("scrub_bytes_per_second", &out.scrub_bytes_per_second);
  options.Count("scrub_rest_seconds", &out.scrub_rest_seconds);
  options.Count("checkpoint_interval_ms", &out.checkpoint_interval_ms);
  options.Count("checkpoint_max_age_ms", &out.checkpoint_max_age_ms);
  options.Count("status_interval_ms", &out.status_interval_ms).Flag("serve_requests", &out.serve_requests);
  options.Set("cache", [&out](std::string_view value) -> Status {
    if (value != "direct" && value != "buffered")
      return Status::InvalidArgument("must be direct or buffered");
    out.cache = value == "direct" ? CacheMode::kDirect : CacheMode::kBuffered;
    return Status::Ok();
  });
  AddSettings(options, &out.settings);
  RAWKV_RETURN_IF_ERROR(options.Parse(text));
  return out;
}

Result<OpenOptions> ParseClosedOptions(OptionText& more, const char* text) {
  OpenOptions out;
  AddFinding(more, &out);
  RAWKV_RETURN_IF_ERROR(more.Parse(text));
  return out;
}

Result<SettingsChange> ParseSettings(const char* name, const char* text) {
  SettingsChange change;
  OptionText options(name);
  AddSettings(options, &change);
  RAWKV_RETURN_IF_ERROR(options.Parse(text));
  return change;
}

}  // namespace rawkv::c
