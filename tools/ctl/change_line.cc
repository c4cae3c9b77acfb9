#include "tools/ctl/change_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_set>

#include "base/base64.h"
#include "tools/cli/input.h"
#include "tools/cli/text_format.h"

namespace rawkv::ctl {
namespace {

using Json = nlohmann::json;

// This file reports bad lines as exceptions: the JSON library throws, and the readers below throw as well, so
// that each reader looks like the grammar that it accepts. ParseChangeLine turns the exceptions into a
// Status.
class BadLine : public std::runtime_error {
 public:
  explicit BadLine(const std::string& what) : std::runtime_error(what) {}
};

// Refuses a field name that occurs twice in one object; the library would silently keep the last one. This is
// a separate pass: the library's parser with a callback searches the whole array at the end of each element,
// so its time is quadratic in the number of keys of a line.
class RepeatedNames final : public nlohmann::json_sax<Json> {
 public:
  bool start_object(std::size_t /*elements*/) override {
    open_.emplace_back();
    return true;
  }
  bool end_object() override {
    open_.pop_back();
    return true;
  }
  bool key(std::string& name) override {
    if (!open_.back().insert(name).second) {
      throw BadLine(fmt::format("field '{}' occurs twice in one object", name));
    }
    return true;
  }
  // The parser that builds the values reports this error.
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const Json::exception& /*error*/) override {
    return false;
  }

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(Json::number_integer_t /*value*/) override { return true; }
  bool number_unsigned(Json::number_unsigned_t /*value*/) override { return true; }
  bool number_float(Json::number_float_t /*value*/, const std::string& /*text*/) override { return true; }
  bool string(std::string& /*value*/) override { return true; }
  bool binary(Json::binary_t& /*value*/) override { return true; }
  bool start_array(std::size_t /*elements*/) override { return true; }
  bool end_array() override { return true; }

 private:
  std::vector<std::set<std::string>> open_;
};

void RefuseUnknownFields(const Json& object, std::initializer_list<std::string_view> known,
                         std::string_view where) {
  for (const auto& item : object.items()) {
    if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
      throw BadLine(fmt::format("unknown field '{}' in {}", item.key(), where));
    }
  }
}

const std::string& TextField(const Json& value, std::string_view name) {
  if (!value.is_string()) throw BadLine(fmt::format("'{}' must be a string", name));
  return value.get_ref<const std::string&>();
}

std::string Base64Field(const Json& value, std::string_view name) {
  Result<std::string> bytes = DecodeBase64(TextField(value, name));
  if (!bytes.ok()) throw BadLine(fmt::format("'{}': {}", name, bytes.status().message()));
  return std::move(bytes).value();
}

// The text of field `name`, or the decoded bytes of field `name`_b64; absent if the object has neither.
std::optional<std::string> TextOrBase64(const Json& object, const std::string& name) {
  const auto text = object.find(name);
  const auto base64 = object.find(name + "_b64");
  if (text != object.end() && base64 != object.end()) {
    throw BadLine(fmt::format("give either '{0}' or '{0}_b64'", name));
  }
  if (text != object.end()) return TextField(*text, name);
  if (base64 != object.end()) return Base64Field(*base64, name + "_b64");
  return std::nullopt;
}

std::string KeyOf(const Json& object) {
  std::optional<std::string> key = TextOrBase64(object, "key");
  if (!key.has_value()) throw BadLine("a 'key' or 'key_b64' is missing");
  return std::move(*key);
}

std::string ValueOf(const Json& put, const std::string& key) {
  std::optional<std::string> value = TextOrBase64(put, "value");
  const auto file = put.find("value_file");
  if (value.has_value() == (file != put.end())) {
    throw BadLine(fmt::format("key '{}' needs one of 'value', 'value_b64' and 'value_file'", EscapeKey(key)));
  }
  if (value.has_value()) return std::move(*value);
  // "-" names a file here, not standard input: `apply` may read its lines from standard input.
  Result<Input> input = Input::OpenFile(TextField(*file, "value_file"));
  if (!input.ok()) throw BadLine(fmt::format("value_file: {}", input.status().message()));
  Result<std::string> read = ReadValue(std::move(input).value());
  if (!read.ok()) throw BadLine(fmt::format("value_file: {}", read.status().message()));
  return std::move(read).value();
}

const Json::array_t& ArrayField(const Json& value, std::string_view name) {
  if (!value.is_array()) throw BadLine(fmt::format("'{}' must be an array", name));
  return value.get_ref<const Json::array_t&>();
}

void ReadPuts(const Json& value, ChangeLine& line) {
  for (const Json& put : ArrayField(value, "put")) {
    if (!put.is_object()) throw BadLine("an element of 'put' must be an object");
    RefuseUnknownFields(put, {"key", "key_b64", "value", "value_b64", "value_file"}, "'put'");
    std::string key = KeyOf(put);
    std::string bytes = ValueOf(put, key);
    line.puts.emplace_back(std::move(key), std::move(bytes));
  }
}

void ReadDeletes(const Json& value, ChangeLine& line) {
  for (const Json& item : ArrayField(value, "delete")) {
    if (item.is_object()) {
      RefuseUnknownFields(item, {"key", "key_b64"}, "'delete'");
      line.deletes.push_back(KeyOf(item));
    } else {
      line.deletes.push_back(TextField(item, "delete"));
    }
  }
}

void RefuseRepeatedKeys(const ChangeLine& line) {
  std::unordered_set<std::string_view> seen;
  const auto check = [&seen](const std::string& key) {
    if (key.empty()) throw BadLine("a key must have at least one byte");
    if (!seen.insert(key).second)
      throw BadLine(fmt::format("key '{}' occurs twice in one line", EscapeKey(key)));
  };
  for (const auto& put : line.puts) check(put.first);
  for (const auto& key : line.deletes) check(key);
}

ChangeLine ReadLine(std::string_view text) {
  RepeatedNames repeated_names;
  Json::sax_parse(text.begin(), text.end(), &repeated_names);
  const Json object = Json::parse(text.begin(), text.end());
  if (!object.is_object()) throw BadLine("a change set must be a JSON object: {…}");
  RefuseUnknownFields(object, {"version", "put", "delete", "metadata", "metadata_b64"}, "the change set");
  ChangeLine line;
  if (const auto version = object.find("version"); version != object.end()) {
    if (!version->is_number_unsigned()) throw BadLine("'version' must be an integer, 0 or more");
    line.version = Version(version->get<uint64_t>());
  }
  if (const auto put = object.find("put"); put != object.end()) ReadPuts(*put, line);
  if (const auto keys = object.find("delete"); keys != object.end()) ReadDeletes(*keys, line);
  line.metadata = TextOrBase64(object, "metadata").value_or("");
  RefuseRepeatedKeys(line);
  return line;
}

// The library's message without the prefix "[json.exception.parse_error.101] " and without a line number: the
// text is a single line, and the caller adds its number.
std::string JsonErrorText(const Json::parse_error& error) {
  std::string text = error.what();
  text = text.substr(std::min(text.size(), text.find("] ") + 2));
  const size_t colon = text.find(": ");
  return fmt::format("bad JSON at byte {}: {}", error.byte,
                     colon == std::string::npos ? text : text.substr(colon + 2));
}

}  // namespace

WriteBatch ChangeLine::ToBatch() const {
  WriteBatch batch;
  for (const auto& [key, value] : puts) batch.PutBorrowed(key, AsBytes(value));
  for (const std::string& key : deletes) batch.Delete(key);
  if (!metadata.empty()) batch.SetMetadata(metadata);
  return batch;
}

Result<ChangeLine> ParseChangeLine(std::string_view text) {
  try {
    return ReadLine(text);
  } catch (const Json::parse_error& error) {
    return Status::InvalidArgument(JsonErrorText(error));
  } catch (const Json::exception& error) {
    return Status::InvalidArgument(fmt::format("bad JSON: {}", error.what()));
  } catch (const BadLine& error) {
    return Status::InvalidArgument(error.what());
  }
}

bool IsBlankLine(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace rawkv::ctl
