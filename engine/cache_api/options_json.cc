#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/exception_status.h"
#include "base/limits.h"
#include "engine/cache_api/cache_options.h"

namespace rawkv {
namespace {

using Json = nlohmann::json;

// What the keys hold besides the options, for the checks of contradictions.
struct Seen {
  uint64_t block_align = 4096;
  std::string io_engine;
  bool use_uring_cmd = false, use_odirect = true;
};

// One key: reads its value into the options. An error message begins after "KEY: ".
struct Key {
  std::string_view name;
  std::function<Status(const Json&, ObjectCacheOptions&, Seen&)> read;
};

Status Wrong(const Json& value, const std::string& wanted) {
  return Status::InvalidArgument(value.dump() + ": must be " + wanted);
}

Status ReadNumber(const Json& value, uint64_t least, uint64_t most, uint64_t* out) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() < least || value.get<uint64_t>() > most) {
    return Wrong(value, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  *out = value.get<uint64_t>();
  return Status::Ok();
}
Status ReadBool(const Json& value, bool* out) {
  if (!value.is_boolean()) return Wrong(value, "true or false");
  *out = value.get<bool>();
  return Status::Ok();
}
Status ReadText(const Json& value, std::string* out) {
  if (!value.is_string()) return Wrong(value, "a string");
  *out = value.get<std::string>();
  return Status::Ok();
}
Status ReadPart(const Json& value, double* out) {
  if (!value.is_number()) return Wrong(value, "a number");
  *out = value.get<double>();
  return Status::Ok();
}

// A key whose number becomes an option.
Key Number(std::string_view name, uint64_t ObjectCacheOptions::*option, uint64_t least = 0,
           uint64_t most = UINT64_MAX) {
  return {name, [=](const Json& value, ObjectCacheOptions& options, Seen&) {
            return ReadNumber(value, least, most, &(options.*option));
          }};
}
Key Text(std::string_view name, std::string ObjectCacheOptions::*option) {
  return {name, [=](const Json& value, ObjectCacheOptions& options, Seen&) {
            return ReadText(value, &(options.*option));
          }};
}
Key Flag(std::string_view name, bool ObjectCacheOptions::*option) {
  return {name, [=](const Json& value, ObjectCacheOptions& options, Seen&) {
            return ReadBool(value, &(options.*option));
          }};
}
// Keys of things that rawkv does in another way. Their values are checked and have no effect.
Key UnusedNumber(std::string_view name, uint64_t least = 0) {
  return {name, [=](const Json& value, ObjectCacheOptions&, Seen&) {
            uint64_t unused = 0;
            return ReadNumber(value, least, UINT64_MAX, &unused);
          }};
}
Key UnusedFlag(std::string_view name) {
  return {name, [](const Json& value, ObjectCacheOptions&, Seen&) {
            bool unused = false;
            return ReadBool(value, &unused);
          }};
}

Status ReadObject(const Json& json, const std::vector<Key>& keys, ObjectCacheOptions& options, Seen& seen) {
  if (!json.is_object()) return Wrong(json, "an object");
  for (const auto& [name, value] : json.items()) {
    const auto key =
        std::find_if(keys.begin(), keys.end(), [&name = name](const Key& k) { return k.name == name; });
    if (key == keys.end()) return Status::InvalidArgument(name + ": unknown key");
    const Status read = key->read(value, options, seen);
    if (!read.ok()) return Status::InvalidArgument(name + ": " + read.message());
  }
  return Status::Ok();
}

Status ReadPolicy(const Json& value, ObjectCacheOptions& options, Seen&) {
  const std::string policy = value.is_string() ? value.get<std::string>() : "";
  options.evict = policy != "noop";
  if (policy == "SIEVE") options.eviction = EvictionKind::kSieve;
  if (policy == "LRU" || policy == "SIEVE" || policy == "noop") return Status::Ok();
  if (policy == "IsolatedLRU")
    return Wrong(value, "LRU with quotas: a cache isolates users by their prefixes");
  return Wrong(value, "LRU, SIEVE or noop");
}

Status ReadEviction(const Json& value, ObjectCacheOptions& options, Seen& seen) {
  static const std::vector<Key> keys = {
      {"eviction_policy", ReadPolicy},
      {"trigger_watermark",
       [](const Json& part, ObjectCacheOptions& o, Seen&) { return ReadPart(part, &o.trigger_watermark); }},
      {"eviction_ratio",
       [](const Json& part, ObjectCacheOptions& o, Seen&) { return ReadPart(part, &o.eviction_ratio); }},
  };
  return ReadObject(value, keys, options, seen);
}

Status ReadQuotas(const Json& value, ObjectCacheOptions& options, Seen&) {
  if (!value.is_object()) return Wrong(value, "an object of prefixes and bytes");
  for (const auto& [prefix, bytes] : value.items()) {
    PrefixQuota& quota = options.quotas.emplace_back(PrefixQuota{.prefix = prefix});
    RAWKV_RETURN_IF_ERROR(ReadNumber(bytes, 1, UINT64_MAX, &quota.bytes_max));
  }
  return Status::Ok();
}

Status ReadPersist(const Json& value, ObjectCacheOptions&, Seen&) {
  if (value == Json(true)) return Status::Ok();
  return Wrong(value, "true: a cache always keeps its objects");
}

Status ReadDurability(const Json& value, ObjectCacheOptions& options, Seen&) {
  if (value != "synced" && value != "unsafe_unsynced") return Wrong(value, "synced or unsafe_unsynced");
  options.durability = value == "synced" ? Durability::kSynced : Durability::kUnsafeUnsynced;
  return Status::Ok();
}

Status ReadDepth(const Json& value, ObjectCacheOptions& options, Seen&) {
  uint64_t depth = 0;
  RAWKV_RETURN_IF_ERROR(ReadNumber(value, 1, 1024, &depth));
  options.queue_depth = static_cast<uint32_t>(depth);
  return Status::Ok();
}

Status ReadMagic(const Json& value, ObjectCacheOptions&, Seen&) {
  return value.is_string() || value.is_number_unsigned() ? Status::Ok()
                                                         : Wrong(value, "a string or a number");
}

const std::vector<Key>& Keys() {
  using O = ObjectCacheOptions;
  static const std::vector<Key> keys = {
      Text("directory", &O::directory),
      Text("device_path", &O::device),
      Flag("format_if_missing", &O::format_if_missing),
      Number("device_bytes", &O::device_bytes, 1),
      Number("slot_bytes", &O::slot_bytes, 4096, kMaxSlotBytes),
      Number("capacity_bytes", &O::capacity_bytes),
      Number("header_bytes", &O::header_bytes),
      {"block_align",
       [](const Json& v, O&, Seen& seen) { return ReadNumber(v, 512, kMaxSlotBytes, &seen.block_align); }},
      {"use_odirect", [](const Json& v, O&, Seen& seen) { return ReadBool(v, &seen.use_odirect); }},
      {"io_engine", [](const Json& v, O&, Seen& seen) { return ReadText(v, &seen.io_engine); }},
      {"use_uring_cmd", [](const Json& v, O&, Seen& seen) { return ReadBool(v, &seen.use_uring_cmd); }},
      {"iouring_queue_depth", ReadDepth},
      {"eviction", ReadEviction},
      {"quotas", ReadQuotas},
      Number("ttl_seconds", &O::ttl_seconds),
      {"durability", ReadDurability},
      {"persist_enabled", ReadPersist},
      Number("meta_checkpoint_interval_sec", &O::recency_interval_seconds, 1),
      {"meta_enable_periodic",
       [](const Json& v, O& options, Seen&) {
         bool periodic = true;
         RAWKV_RETURN_IF_ERROR(ReadBool(v, &periodic));
         if (!periodic) options.recency_interval_seconds = 0;
         return Status::Ok();
       }},
      {"load_checkpoint_on_init",
       [](const Json& v, O& options, Seen&) {
         bool load = true;
         RAWKV_RETURN_IF_ERROR(ReadBool(v, &load));
         options.start_empty = !load;
         return Status::Ok();
       }},
      UnusedNumber("meta_total_bytes"),
      {"meta_magic", ReadMagic},
      UnusedNumber("meta_version"),
      UnusedNumber("meta_idle_quiet_ms"),
      UnusedFlag("meta_verify_on_load"),
      UnusedFlag("enable_zero_copy"),
      UnusedNumber("max_data_transfer_size"),
      UnusedNumber("num_store_workers", 1),
      UnusedNumber("num_lookup_workers", 1),
      UnusedNumber("num_load_workers", 1),
  };
  return keys;
}

Status ApplySeen(const Json& json, const Seen& seen, ObjectCacheOptions& options) {
  const auto contradiction = [](const std::string& text) { return Status::InvalidArgument(text); };
  const bool power_of_two = (seen.block_align & (seen.block_align - 1)) == 0;
  if (!power_of_two || options.slot_bytes % seen.block_align != 0) {
    return contradiction("slot_bytes " + std::to_string(options.slot_bytes) +
                         ": must be a multiple of block_align, a power of two, which is " +
                         std::to_string(seen.block_align));
  }
  if (options.slot_bytes % 4096 != 0) return contradiction("slot_bytes: must be a multiple of 4096");
  if (options.header_bytes % 4096 != 0) return contradiction("header_bytes: must be 0 or a multiple of 4096");
  if (json.contains("meta_checkpoint_interval_sec") && options.recency_interval_seconds == 0) {
    return contradiction("meta_checkpoint_interval_sec: contradicts meta_enable_periodic false");
  }
  if (!seen.io_engine.empty()) {
    const Result<IoEngine> engine = ParseIoEngine(seen.io_engine);
    if (!engine.ok()) return engine.status().WithContext("io_engine");
    options.engine = *engine;
  }
  if (seen.use_uring_cmd) {
    if (!seen.io_engine.empty() && options.engine != IoEngine::kIoUring &&
        options.engine != IoEngine::kNvme) {
      return contradiction("use_uring_cmd: needs io_engine io_uring, not " + seen.io_engine);
    }
    if (!options.device.starts_with("/dev/ng")) {
      return contradiction(
          "use_uring_cmd: needs the character device of a drive (/dev/ngXnY) as device_path, not '" +
          options.device + "'");
    }
    options.engine = IoEngine::kNvme;
  }
  // NVMe commands bypass the page cache anyway.
  if (!seen.use_odirect && !seen.use_uring_cmd) options.device_cache = CacheMode::kBuffered;
  return Status::Ok();
}

}  // namespace

Result<ObjectCacheOptions> ObjectCacheOptions::FromJson(std::string_view text) {
  return NoThrow([&]() -> Result<ObjectCacheOptions> {
    const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) return Status::InvalidArgument("the options of the cache are not valid JSON");
    ObjectCacheOptions options;
    options.header_bytes = 4096;
    Seen seen;
    RAWKV_RETURN_IF_ERROR(ReadObject(json, Keys(), options, seen));
    if (!json.contains("slot_bytes")) return Status::InvalidArgument("slot_bytes: is required");
    RAWKV_RETURN_IF_ERROR(ApplySeen(json, seen, options));
    RAWKV_RETURN_IF_ERROR(options.Validate());
    return options;
  });
}

}  // namespace rawkv
