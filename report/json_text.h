#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace rawkv {

// A JSON value whose fields keep the order in which they are set; the order is part of the contract.
using OrderedJson = nlohmann::ordered_json;

// The value on one line. It is valid JSON: bytes that are not UTF-8 become U+FFFD. Use SetKey for keys.
std::string JsonText(const OrderedJson& value);

// Sets `name`, or `name`_b64 if the bytes are not valid UTF-8.
void SetKey(OrderedJson& object, std::string_view name, std::string_view bytes);

// The number, or null.
OrderedJson VersionJson(const std::optional<Version>& version);

}  // namespace rawkv
