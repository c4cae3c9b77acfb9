#include "bindings/c/option_text.h"

#include <charconv>
#include <cstdint>

namespace rawkv {

OptionText& OptionText::Set(std::string_view key, Setter setter) {
  setters_.emplace(key, std::move(setter));
  return *this;
}

OptionText& OptionText::Text(std::string_view key, std::string* out) {
  return Set(key, [out](std::string_view value) {
    *out = value;
    return Status::Ok();
  });
}

OptionText& OptionText::Flag(std::string_view key, bool* out) {
  return Set(key, [out](std::string_view value) {
    if (value != "0" && value != "1") return Status::InvalidArgument("must be 0 or 1");
    *out = value == "1";
    return Status::Ok();
  });
}

Result<uint64_t> OptionText::ParseCount(std::string_view text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return Status::InvalidArgument("must be a number");
  const std::string_view suffix(rest, static_cast<size_t>(end - rest));
  const int shift = suffix.empty()    ? 0
                    : suffix == "KiB" ? 10
                    : suffix == "MiB" ? 20
                    : suffix == "GiB" ? 30
                                      : -1;
  if (shift < 0) return Status::InvalidArgument("has an unknown suffix; KiB, MiB and GiB are known");
  if (number > UINT64_MAX >> shift) return Status::InvalidArgument("is too large");
  return number << shift;
}

Status OptionText::Parse(const char* text) const {
  constexpr std::string_view kSpace = " \t\r\n";
  std::string_view rest = text == nullptr ? "" : text;
  for (;;) {
    const size_t begin = rest.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) return Status::Ok();
    rest.remove_prefix(begin);
    const std::string_view word = rest.substr(0, rest.find_first_of(kSpace));
    rest.remove_prefix(word.size());
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) {
      return Status::InvalidArgument(name_ + ": the option \"" + std::string(word) +
                                     "\" has no value; write key=value");
    }
    const std::string_view key = word.substr(0, equals);
    const auto setter = setters_.find(key);
    if (setter == setters_.end()) {
      std::string known;
      for (const auto& [name, unused] : setters_) known += (known.empty() ? "" : ", ") + name;
      return Status::InvalidArgument(name_ + ": there is no option \"" + std::string(key) +
                                     "\"; known: " + known);
    }
    RAWKV_RETURN_IF_ERROR(
        setter->second(word.substr(equals + 1)).WithContext(name_ + ": " + std::string(word)));
  }
}

}  // namespace rawkv
