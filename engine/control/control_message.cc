#include "engine/control/control_message.h"

#include <algorithm>

#include "base/byte_codec.h"
#include "base/sealed_file.h"
#include "engine/api/stored_settings.h"

namespace rawkv {
namespace {

constexpr SealedKind kRequestKind{
    .magic = "RKVCTLRQ", .format = 1, .name = "control request", .max_payload_bytes = kMaxRequestBytes};
constexpr SealedKind kReplyKind{
    .magic = "RKVCTLRP", .format = 1, .name = "control reply", .max_payload_bytes = kMaxReplyBytes};
constexpr size_t kMaxMessageBytes = 64 << 10;

// Settings: their number, then the name and the value of each.
template <template <typename> class Form>
void PutSettings(ByteWriter& w, const SettingsIn<Form>& settings, uint32_t count) {
  w.U32(count);
  ForEachSetting([&](const auto& setting) {
    if constexpr (std::is_same_v<SettingsIn<Form>, SettingsChange>) {
      const auto& value = settings.*setting.change;
      if (!value) return;
      w.Blob(setting.name);
      w.Blob(EncodeSettingValue(*value));
    } else {
      w.Blob(setting.name);
      w.Blob(EncodeSettingValue(settings.*setting.value));
    }
  });
}

// The engine checks the values themselves.
Result<SettingsChange> TakeSettings(ByteReader& r) {
  SettingsChange settings;
  for (uint32_t count = r.U32(); count > 0 && r.ok(); --count) {
    const std::string_view name = r.Blob();
    const std::string_view bytes = r.Blob();
    if (!r.ok()) break;
    bool known = false, good = false;
    ForEachSetting([&](const auto& setting) {
      if (setting.name != name) return;
      known = true;
      good = DecodeSettingValue(bytes, &(settings.*setting.change).emplace());
    });
    if (!known) return Status::NotSupported("the setting '" + std::string(name) + "' is not known here");
    if (!good) return Status::Corruption("the value of " + std::string(name) + " is damaged");
  }
  if (!r.ok()) return Status::Corruption("the list of settings is cut off");
  return settings;
}

uint32_t Count(const SettingsChange& settings) {
  uint32_t count = 0;
  ForEachSetting([&](const auto& setting) { count += (settings.*setting.change).has_value(); });
  return count;
}

}  // namespace

std::string EncodeControlRequest(const ControlRequest& request) {
  ByteWriter w;
  w.U32(static_cast<uint32_t>(request.operation));
  w.Blob(request.name);
  w.U8(request.number.has_value() ? 1 : 0);
  w.U64(request.number.value_or(0));
  PutSettings(w, request.settings, Count(request.settings));
  return Seal(kRequestKind, w.str());
}

Result<ControlRequest> DecodeControlRequest(std::string_view bytes) {
  RAWKV_ASSIGN_OR_RETURN(const std::string payload, Unseal(kRequestKind, bytes));
  ByteReader r(payload);
  ControlRequest request;
  const uint32_t operation = r.U32();
  request.name = r.Blob();
  const uint8_t has_number = r.U8();
  const uint64_t number = r.U64();
  if (!r.ok() || has_number > 1) return Status::Corruption("control request: a field is out of range");
  if (has_number == 1) request.number = number;
  RAWKV_ASSIGN_OR_RETURN(request.settings, TakeSettings(r));
  if (!r.AtEnd()) return Status::Corruption("control request: bytes after its end");
  if (operation < 1 || operation > static_cast<uint32_t>(ControlRequest::Operation::kProgram)) {
    return Status::NotSupported("operation " + std::to_string(operation) + " is not known here");
  }
  request.operation = static_cast<ControlRequest::Operation>(operation);
  return request;
}

std::string EncodeControlReply(const ControlReply& reply) {
  ByteWriter w;
  w.U32(static_cast<uint32_t>(reply.status.code()));
  w.Blob(std::string_view(reply.status.message()).substr(0, kMaxMessageBytes));
  w.U32(static_cast<uint32_t>(reply.versions.size()));
  for (const Version version : reply.versions) w.U64(version.value());
  PutSettings(w, reply.settings, std::tuple_size_v<decltype(kSettings)>);
  // Only whoever asks for it expects a text.
  if (!reply.text.empty()) w.Blob(reply.text);
  return Seal(kReplyKind, w.str());
}

Result<ControlReply> DecodeControlReply(std::string_view bytes) {
  RAWKV_ASSIGN_OR_RETURN(const std::string payload, Unseal(kReplyKind, bytes));
  ByteReader r(payload);
  const uint32_t code = r.U32();
  std::string message(r.Blob());
  const uint32_t count = r.U32();
  if (!r.ok() || code > static_cast<uint32_t>(StatusCode::kInternal) ||
      count > r.remaining() / sizeof(uint64_t)) {
    return Status::Corruption("control reply: a field is out of range");
  }
  ControlReply reply;
  if (code != 0) reply.status = Status(static_cast<StatusCode>(code), std::move(message));
  for (uint32_t i = 0; i < count; ++i) reply.versions.emplace_back(r.U64());
  RAWKV_ASSIGN_OR_RETURN(const SettingsChange settings, TakeSettings(r));
  if (r.remaining() != 0) reply.text = r.Blob();
  if (!r.AtEnd()) return Status::Corruption("control reply: bytes after its end");
  reply.settings = Changed(RuntimeSettings(), settings);
  return reply;
}

}  // namespace rawkv
