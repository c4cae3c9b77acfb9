#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace rawkv {

// The options of a call as text: "key=value" words, separated by white space.
class OptionText {
 public:
  using Setter = std::function<Status(std::string_view value)>;

  // `name` begins the messages: "rawkv_open".
  explicit OptionText(std::string name) : name_(std::move(name)) {}

  OptionText& Text(std::string_view key, std::string* out);
  OptionText& Flag(std::string_view key, bool* out);  // 0 or 1
  // A number with an optional suffix KiB, MiB or GiB. `Number` is an integer or an optional integer.
  template <typename Number>
  OptionText& Count(std::string_view key, Number* out) {
    return Set(key, [out](std::string_view value) -> Status {
      RAWKV_ASSIGN_OR_RETURN(const uint64_t number, ParseCount(value));
      if constexpr (sizeof(Number) < sizeof(uint64_t)) {
        if (number > static_cast<Number>(~Number{0})) return Status::InvalidArgument("is too large");
      }
      *out = static_cast<std::conditional_t<std::is_integral_v<Number>, Number, uint64_t>>(number);
      return Status::Ok();
    });
  }
  OptionText& Set(std::string_view key, Setter setter);

  // kInvalidArgument: an unknown key, a key without a value, or a wrong value; the message names it. Null is
  // an empty text.
  Status Parse(const char* text) const;

 private:
  static Result<uint64_t> ParseCount(std::string_view text);

  const std::string name_;
  std::map<std::string, Setter, std::less<>> setters_;
};

}  // namespace rawkv
