#include "tools/ctl/flags.h"

#include <fmt/format.h>
#include <gflags/gflags.h>

#include <charconv>
#include <cstdlib>

#include "base/base64.h"
#include "base/clock.h"
#include "tools/cli/time_text.h"
#include "tools/ctl/setting_flags.h"

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

Result<std::optional<uint64_t>> WatchValue(uint64_t seconds) {
  if (seconds >= 1 && seconds <= 86400) return std::optional(seconds);
  return Status::InvalidArgument(fmt::format("{} is not between 1 and 86400", seconds));
}

namespace {

Status TakeEither(std::string_view name, std::optional<std::string>* text,
                  const std::optional<std::string>& decoded) {
  if (text->has_value() && decoded.has_value()) {
    return Status::InvalidArgument(fmt::format("--{0}: give either --{0} or --{0}_b64", name));
  }
  if (!text->has_value()) *text = decoded;
  return Status::Ok();
}

}  // namespace

Result<Flags> ReadFlags(const std::vector<std::pair<std::string, std::string>>& given) {
  RAWKV_RETURN_IF_ERROR(kFlagSet.Set(given));
  Flags flags;
#define RAWKV_READ_FLAG(type, convert, name, fallback, help) \
  RAWKV_RETURN_IF_ERROR(kFlagSet.Read(#name, convert, FLAGS_ctl_##name, &flags.name));
  RAWKV_CTL_FLAGS(RAWKV_READ_FLAG)
#undef RAWKV_READ_FLAG
  RAWKV_ASSIGN_OR_RETURN(flags.settings, ReadSettingFlags(kFlagSet));
  // An empty --store (an unset variable in a script) must not select the store of RAWKV_STORE; TextValue has
  // refused it.
  const char* const fallback = std::getenv("RAWKV_STORE");
  if (!flags.store.has_value() && fallback != nullptr && *fallback != '\0') {
    RAWKV_ASSIGN_OR_RETURN(flags.store, DirValue(fallback));
  }
  if (flags.version.has_value() && flags.time.has_value()) {
    return Status::InvalidArgument("--time: give either --time or --version");
  }
  RAWKV_RETURN_IF_ERROR(TakeEither("prefix", &flags.prefix, flags.prefix_b64));
  RAWKV_RETURN_IF_ERROR(TakeEither("from", &flags.from, flags.from_b64));
  RAWKV_RETURN_IF_ERROR(TakeEither("to", &flags.to, flags.to_b64));
  return flags;
}

Result<VersionBound> ParseVersionBound(std::string_view name, const std::optional<std::string>& text) {
  if (!text.has_value()) return VersionBound{};
  uint64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end) return VersionBound{.version = Version(number)};
  const Result<uint64_t> unix_ms = ParseTime(*text, SystemClock().NowUnixMs());
  if (unix_ms.ok()) return VersionBound{.unix_ms = *unix_ms};
  return Status::InvalidArgument(fmt::format(
      "--{}: '{}' is neither a version (0 or more) nor a time (2026-03-01T14:05:00Z, '3d ago 14:05')", name,
      *text));
}

}  // namespace rawkv::ctl
