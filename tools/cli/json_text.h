#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace rawkv::ctl {

// Builds one JSON object as text, with the fields in the order in which they are set; the order is part of
// the contract. The result is always valid JSON: Text replaces bytes that are not UTF-8 by U+FFFD. Use Key
// for keys.
class JsonObject {
 public:
  JsonObject& Number(std::string_view name, uint64_t value);
  JsonObject& Signed(std::string_view name, int64_t value);
  JsonObject& Bool(std::string_view name, bool value);
  JsonObject& Text(std::string_view name, std::string_view value);
  JsonObject& Null(std::string_view name);
  // Sets `name`, or `name`_b64 if the bytes are not valid UTF-8.
  JsonObject& Key(std::string_view name, std::string_view bytes);
  JsonObject& Raw(std::string_view name, std::string_view json);  // a nested value, already JSON
  std::string text() const { return text_ + '}'; }

 private:
  void Name(std::string_view name);
  std::string text_ = "{";
};

// Builds one JSON array as text.
class JsonArray {
 public:
  JsonArray& Number(uint64_t value) { return Raw(std::to_string(value)); }
  JsonArray& Text(std::string_view value);
  JsonArray& Raw(std::string_view json);
  std::string text() const { return text_ + ']'; }

 private:
  std::string text_ = "[";
};

std::string JsonTexts(std::span<const std::string> values);  // ["…","…"]

}  // namespace rawkv::ctl
