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
  return Status::InvalidArgument(
      fmt::format("'{}' is not a time; write it as 2026-03-01T14:05:00Z, 2026-03-01T15:05+01:00, '2h ago' or "
                  "'3d ago 14:05'",
                  text));
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

// Takes "d", "day", " days" or another unit, and returns its seconds. A space stands only before a whole
// word.
std::optional<uint64_t> TakeUnit(TimeReader& in) {
  const bool spaced = in.TakeWord(" ");
  constexpr std::pair<std::string_view, uint64_t> kUnits[] = {
      {"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}, {"week", 604800}};
  for (const auto& [word, seconds] : kUnits) {
    if (in.TakeWord(word)) {
      in.TakeWord("s");
      return seconds;
    }
    if (!spaced && in.TakeWord(word.substr(0, 1))) return seconds;
  }
  return std::nullopt;
}

// "1h30m" or "3 days" in seconds. Absent if it is not a duration or is longer than a million years.
std::optional<uint64_t> TakeDuration(TimeReader& in) {
  constexpr uint64_t kLimit = 1'000'000ull * 366 * 86400;
  uint64_t total = 0, number = 0;
  do {
    if (!in.TakeNumber(&number)) return std::nullopt;
    const std::optional<uint64_t> seconds = TakeUnit(in);
    if (!seconds) return std::nullopt;
    if (number > kLimit / *seconds || (total += number * *seconds) > kLimit) return std::nullopt;
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

// Takes "14:05", "14:05:00" or "14:05:00.250" into `parts` and `milliseconds`.
bool TakeTimeOfDay(TimeReader& in, std::tm* parts, int* milliseconds) {
  if (!in.TakeDigits(2, &parts->tm_hour) || !in.TakeChar(":") || !in.TakeDigits(2, &parts->tm_min))
    return false;
  if (!in.TakeChar(":")) return true;
  if (!in.TakeDigits(2, &parts->tm_sec)) return false;
  if (!in.TakeChar(".")) return true;
  const std::optional<int> fraction = TakeMilliseconds(in);
  *milliseconds = fraction.value_or(0);
  return fraction.has_value();
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
  if (in.TakeChar("Tt ") && !TakeTimeOfDay(in, &parts, &milliseconds)) return std::nullopt;
  const std::optional<int> offset = TakeOffset(in);
  const std::optional<int64_t> seconds = SecondsOf(parts);
  if (!offset || !seconds || !in.done() || *seconds < *offset) return std::nullopt;
  return static_cast<uint64_t>(*seconds - *offset) * 1000 + static_cast<uint64_t>(milliseconds);
}

// "2h ago", or for whole days "3d ago 14:05": that time of the day, in UTC.
std::optional<uint64_t> ParseAgo(std::string_view text, uint64_t now_unix_ms) {
  constexpr uint64_t kDayMs = 86'400'000;
  TimeReader in(text);
  const std::optional<uint64_t> seconds = TakeDuration(in);
  if (!seconds || !in.TakeWord(" ago") || *seconds * 1000 > now_unix_ms) return std::nullopt;
  const uint64_t then = now_unix_ms - *seconds * 1000;
  if (in.done()) return then;
  std::tm time{};
  int milliseconds = 0;
  if (*seconds * 1000 % kDayMs != 0 || !in.TakeWord(" ") || !TakeTimeOfDay(in, &time, &milliseconds) ||
      !in.done() || time.tm_hour > 23 || time.tm_min > 59 || time.tm_sec > 59) {
    return std::nullopt;
  }
  const int second_of_day = (time.tm_hour * 60 + time.tm_min) * 60 + time.tm_sec;
  return then - then % kDayMs + static_cast<uint64_t>(second_of_day) * 1000 +
         static_cast<uint64_t>(milliseconds);
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
