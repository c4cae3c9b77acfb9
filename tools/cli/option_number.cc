#include "tools/cli/option_number.h"

#include <charconv>
#include <string>

namespace rawkv::ctl {

Result<uint64_t> ParseOptionNumber(std::string_view name, std::string_view text) {
  uint64_t out = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, out);
  if (error == std::errc() && at == end && !text.empty()) return out;
  return Status::InvalidArgument("--" + std::string(name) + "=" + std::string(text) + " is not a number");
}

}  // namespace rawkv::ctl
