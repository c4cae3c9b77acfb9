#include "tools/ctl/flags.h"

#include <fmt/format.h>
#include <gflags/gflags.h>

#include <cstdlib>

#include "base/clock.h"
#include "tools/cli/base64.h"
#include "tools/cli/time_text.h"

#define RAWKV_DEFINE_FLAG(type, convert, name, fallback, help) DEFINE_##type(ctl_##name, fallback, help);
RAWKV_CTL_FLAGS(RAWKV_DEFINE_FLAG)
#undef RAWKV_DEFINE_FLAG

namespace rawkv::ctl {

Result<std::optional<Version>> VersionValue(uint64_t number) {
  return std::optional(Version(number));
}

Result<std::optional<std::string>> AnyTextValue(const std::string& text) {
  return std::optional(text);
}

Result<std::optional<std::string>> Base64Value(const std::string& text) {
  RAWKV_ASSIGN_OR_RETURN(std::string bytes, DecodeBase64(text));
  return std::optional(std::move(bytes));
}

Result<std::optional<uint64_t>> TimeValue(const std::string& text) {
  RAWKV_ASSIGN_OR_RETURN(const uint64_t unix_ms, ParseTime(text, SystemClock().NowUnixMs()));
  return std::optional(unix_ms);
}

Result<IoEngine> EngineValue(const std::string& text) {
  Result<IoEngine> engine = ParseIoEngine(text);
  if (engine.ok()) return engine;
  return Status::InvalidArgument(fmt::format("'{}' is not auto, posix, io_uring or nvme", text));
}

Result<std::optional<Durability>> DurabilityValue(const std::string& text) {
  if (text == "synced") return std::optional(Durability::kSynced);
  if (text == "unsafe_unsynced") return std::optional(Durability::kUnsafeUnsynced);
  return Status::InvalidArgument(fmt::format("'{}' is not synced or unsafe_unsynced", text));
}

Result<Flags> ReadFlags(const std::vector<std::pair<std::string, std::string>>& given) {
  RAWKV_RETURN_IF_ERROR(kFlagSet.Set(given));
  Flags flags;
#define RAWKV_READ_FLAG(type, convert, name, fallback, help) \
  RAWKV_RETURN_IF_ERROR(kFlagSet.Read(#name, convert, FLAGS_ctl_##name, &flags.name));
  RAWKV_CTL_FLAGS(RAWKV_READ_FLAG)
#undef RAWKV_READ_FLAG
  // An empty --store (an unset variable in a script) must not select the store of RAWKV_STORE; TextValue has
  // refused it.
  const char* const fallback = std::getenv("RAWKV_STORE");
  if (!flags.store.has_value() && fallback != nullptr && *fallback != '\0') flags.store = fallback;
  if (flags.prefix.has_value() && flags.prefix_b64.has_value()) {
    return Status::InvalidArgument("--prefix: give either --prefix or --prefix_b64");
  }
  if (flags.version.has_value() && flags.time.has_value()) {
    return Status::InvalidArgument("--time: give either --time or --version");
  }
  if (!flags.prefix.has_value()) flags.prefix = flags.prefix_b64;
  return flags;
}

}  // namespace rawkv::ctl
