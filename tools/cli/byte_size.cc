#include "tools/cli/byte_size.h"

#include <fmt/format.h>

#include <charconv>

namespace rawkv::ctl {
namespace {

constexpr std::string_view kUnits = "KMGT";

Status NotASize(std::string_view text) {
  return Status::InvalidArgument(fmt::format(
      "'{}' is not a number of bytes (an integer, or one with K, M, G or T and optional iB)", text));
}

}  // namespace

Result<uint64_t> ParseByteSize(std::string_view text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return NotASize(text);
  std::string_view unit(after, static_cast<size_t>(end - after));
  if (unit.empty()) return number;
  const size_t power = kUnits.find(unit.front());
  unit.remove_prefix(1);
  if (power == std::string_view::npos || !(unit.empty() || unit == "iB")) return NotASize(text);
  const auto shift = static_cast<unsigned>(10 * (power + 1));
  if (number > (UINT64_MAX >> shift)) return NotASize(text);
  return number << shift;
}

std::string HumanBytes(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto amount = static_cast<double>(bytes);
  size_t power = 0;
  for (amount /= 1024; amount >= 1024 && power + 1 < kUnits.size(); ++power) amount /= 1024;
  const std::string number = amount == static_cast<double>(static_cast<uint64_t>(amount))
                                 ? fmt::format("{}", static_cast<uint64_t>(amount))
                                 : fmt::format("{:.1f}", amount);
  return fmt::format("{} {}iB", number, kUnits[power]);
}

}  // namespace rawkv::ctl
