#include "tools/cli/time_text.h"

#include <fmt/format.h>

#include <charconv>
#include <ctime>
#include <optional>
#include <utility>

#include "tools/cli/text_format.h"

namespace rawkv::ctl {
namespace {

Status NotATime(std::string_view text) {
  return Status::InvalidArgument(fmt::format(
      "'{}' is not a time; write it as 2026-03-01T14:05:00Z, 2026-03-01T15:05+01:00 or '2h ago'", text));
}

// Reads the items of a text from left to right. An item that is not there leaves the rest as it is.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool TakeChar(std::string_view any_of, char* found = nullptr) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    if (found != nullptr) *found = rest_.front();
    rest_.remove_prefix(1);
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  // A number of exactly `digits` digits.
  bool TakeDigits(size_t digits, int* number) {
    uint64_t value = 0;
    if (rest_.size() < digits || CountDigits() < digits) return false;
    std::from_chars(rest_.data(), rest_.data() + digits, value);
    rest_.remove_prefix(digits);
    *number = static_cast<int>(value);
    return true;
  }
  bool TakeNumber(uint64_t* number) {
    const char* const end = rest_.data() + rest_.size();
    const size_t digits = CountDigits();
    if (digits == 0 || std::from_chars(rest_.data(), end, *number).ec != std::errc()) return false;
    rest_.remove_prefix(digits);
    return true;
  }
  size_t CountDigits() const { return std::min(rest_.find_first_not_of("0123456789"), rest_.size()); }

 private:
  std::string_view rest_;
};

// "1h30m" in seconds. Absent if it is not a duration or is longer than a million years.
std::optional<uint64_t> TakeDuration(TimeReader& in) {
  constexpr std::string_view kUnits = "smhdw";
  constexpr uint64_t kSeconds[] = {1, 60, 3600, 86400, 604800};
  constexpr uint64_t kLimit = 1'000'000ull * 366 * 86400;
  uint64_t total = 0, number = 0;
  char unit = 0;
  do {
    if (!in.TakeNumber(&number) || !in.TakeChar(kUnits, &unit)) return std::nullopt;
    const uint64_t seconds = kSeconds[kUnits.find(unit)];
    if (number > kLimit / seconds || (total += number * seconds) > kLimit) return std::nullopt;
  } while (in.CountDigits() > 0);
  return total;
}

// The fraction of a second after the point, in milliseconds; further digits are dropped.
std::optional<int> TakeMilliseconds(TimeReader& in) {
  int milliseconds = 0, digit = 0, scale = 100;
  if (!in.TakeDigits(1, &digit)) return std::nullopt;
  do {
    milliseconds += digit * scale;
    scale /= 10;
  } while (in.TakeDigits(1, &digit));
  return milliseconds;
}

// "Z", "+01:00", "-05:30" or nothing, in seconds to subtract.
std::optional<int> TakeOffset(TimeReader& in) {
  char sign = 0;
  int hours = 0, minutes = 0;
  if (in.done() || in.TakeChar("Zz")) return 0;
  if (!in.TakeChar("+-", &sign) || !in.TakeDigits(2, &hours) || !in.TakeChar(":") ||
      !in.TakeDigits(2, &minutes) || hours > 23 || minutes > 59) {
    return std::nullopt;
  }
  const int seconds = (hours * 60 + minutes) * 60;
  return sign == '+' ? seconds : -seconds;
}

// Seconds since 1970 of a date and time in UTC; absent if there is no such day or time.
std::optional<int64_t> SecondsOf(std::tm parts) {
  const std::tm wanted = parts;
  const int64_t seconds = ::timegm(&parts);  // turns a 31st of April into the 1st of May
  const bool same = parts.tm_year == wanted.tm_year && parts.tm_mon == wanted.tm_mon &&
                    parts.tm_mday == wanted.tm_mday && parts.tm_hour == wanted.tm_hour &&
                    parts.tm_min == wanted.tm_min && parts.tm_sec == wanted.tm_sec;
  return same ? std::optional(seconds) : std::nullopt;
}

std::optional<uint64_t> ParseMoment(std::string_view text) {
  TimeReader in(text);
  std::tm parts{};
  int year = 0, month = 0, milliseconds = 0;
  if (!in.TakeDigits(4, &year) || !in.TakeChar("-") || !in.TakeDigits(2, &month) || !in.TakeChar("-") ||
      !in.TakeDigits(2, &parts.tm_mday)) {
    return std::nullopt;
  }
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  if (in.TakeChar("Tt ")) {
    if (!in.TakeDigits(2, &parts.tm_hour) || !in.TakeChar(":") || !in.TakeDigits(2, &parts.tm_min))
      return std::nullopt;
    if (in.TakeChar(":")) {
      if (!in.TakeDigits(2, &parts.tm_sec)) return std::nullopt;
      if (in.TakeChar(".")) {
        const std::optional<int> fraction = TakeMilliseconds(in);
        if (!fraction) return std::nullopt;
        milliseconds = *fraction;
      }
    }
  }
  const std::optional<int> offset = TakeOffset(in);
  const std::optional<int64_t> seconds = SecondsOf(parts);
  if (!offset || !seconds || !in.done() || *seconds < *offset) return std::nullopt;
  return static_cast<uint64_t>(*seconds - *offset) * 1000 + static_cast<uint64_t>(milliseconds);
}

std::optional<uint64_t> ParseAgo(std::string_view text, uint64_t now_unix_ms) {
  TimeReader in(text);
  const std::optional<uint64_t> seconds = TakeDuration(in);
  if (!seconds || !in.TakeWord(" ago") || !in.done() || *seconds * 1000 > now_unix_ms) return std::nullopt;
  return now_unix_ms - *seconds * 1000;
}

}  // namespace

Result<uint64_t> ParseTime(std::string_view text, uint64_t now_unix_ms) {
  std::optional<uint64_t> moment = ParseAgo(text, now_unix_ms);
  if (!moment) moment = ParseMoment(text);
  if (!moment) return NotATime(text);
  return *moment;
}

Result<uint64_t> ParseDuration(std::string_view text) {
  if (text == "0") return 0;
  TimeReader in(text);
  const std::optional<uint64_t> seconds = TakeDuration(in);
  if (seconds && in.done()) return *seconds;
  return Status::InvalidArgument(
      fmt::format("'{}' is not a length of time such as 90s, 15m, 2h, 7d or 1h30m", text));
}

std::string DurationText(uint64_t seconds) {
  if (seconds == 0) return "0";
  std::string text;
  const std::pair<uint64_t, char> units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
  for (const auto& [length, unit] : units) {
    if (seconds >= length) text += fmt::format("{}{}", seconds / length, unit);
    seconds %= length;
  }
  return text;
}

std::string UtcTimeMs(uint64_t unix_ms) {
  std::string text = UtcTime(unix_ms);
  if (text.ends_with('Z')) text.insert(text.size() - 1, fmt::format(".{:03}", unix_ms % 1000));
  return text;
}

}  // namespace rawkv::ctl
