#include "report/json_text.h"

#include "base/base64.h"
#include "base/utf8.h"

namespace rawkv {

std::string JsonText(const OrderedJson& value) {
  return value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

void SetKey(OrderedJson& object, std::string_view name, std::string_view bytes) {
  if (IsUtf8(bytes)) {
    object[std::string(name)] = bytes;
  } else {
    object[std::string(name) + "_b64"] = EncodeBase64(bytes);
  }
}

OrderedJson VersionJson(const std::optional<Version>& version) {
  if (!version.has_value()) return nullptr;
  return version->value();
}

}  // namespace rawkv
