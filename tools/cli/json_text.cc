#include "tools/cli/json_text.h"

#include <nlohmann/json.hpp>

#include "tools/cli/base64.h"
#include "tools/cli/text_format.h"

namespace rawkv::ctl {
namespace {

std::string Quoted(std::string_view value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void JsonObject::Name(std::string_view name) {
  if (text_.size() > 1) text_ += ',';
  text_ += Quoted(name);
  text_ += ':';
}

JsonObject& JsonObject::Raw(std::string_view name, std::string_view json) {
  Name(name);
  text_ += json;
  return *this;
}

JsonObject& JsonObject::Number(std::string_view name, uint64_t value) {
  return Raw(name, std::to_string(value));
}

JsonObject& JsonObject::Signed(std::string_view name, int64_t value) {
  return Raw(name, std::to_string(value));
}

JsonObject& JsonObject::Bool(std::string_view name, bool value) {
  return Raw(name, value ? "true" : "false");
}

JsonObject& JsonObject::Text(std::string_view name, std::string_view value) {
  return Raw(name, Quoted(value));
}

JsonObject& JsonObject::Null(std::string_view name) {
  return Raw(name, "null");
}

JsonObject& JsonObject::Key(std::string_view name, std::string_view bytes) {
  if (IsUtf8(bytes)) return Text(name, bytes);
  return Text(std::string(name) + "_b64", EncodeBase64(bytes));
}

JsonArray& JsonArray::Text(std::string_view value) {
  return Raw(Quoted(value));
}

JsonArray& JsonArray::Raw(std::string_view json) {
  if (text_.size() > 1) text_ += ',';
  text_ += json;
  return *this;
}

std::string JsonTexts(std::span<const std::string> values) {
  JsonArray array;
  for (const std::string& value : values) array.Text(value);
  return array.text();
}

}  // namespace rawkv::ctl
