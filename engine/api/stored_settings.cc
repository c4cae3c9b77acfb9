#include "engine/api/stored_settings.h"

#include <string>

namespace rawkv {
namespace {

// Calls `fn` with each setting of the list, by number.
template <typename Fn>
void ForEachStored(const Fn& fn) {
  ForEachSetting([&](const auto& setting) {
    if constexpr (std::is_same_v<decltype(setting), const Setting<Durability>&>)
      return;
    else if (setting.stored != 0)
      fn(setting);
  });
}

constexpr bool AreNumbersAscending() {
  uint32_t last = 0;
  bool ascending = true;
  ForEachSetting([&](const auto& setting) {
    if (setting.stored == 0) return;
    ascending = ascending && setting.stored > last;
    last = setting.stored;
  });
  return ascending;
}
static_assert(AreNumbersAscending(), "equal content has one encoding");

uint32_t CountOf(const RuntimeSettings& settings) {
  uint32_t count = 0;
  const RuntimeSettings initial;
  ForEachStored([&](const auto& setting) { count += settings.*setting.value != initial.*setting.value; });
  return count;
}

struct Found {
  bool known = false, good = false;  // there is such a setting; its value can be read
};
Found SetStored(uint32_t number, std::string_view bytes, RuntimeSettings* out) {
  Found found;
  // A default is good, too: it need not have been the default of the rawkv that wrote it.
  ForEachStored([&](const auto& setting) {
    if (setting.stored != number) return;
    found = {.known = true, .good = DecodeSettingValue(bytes, &(out->*setting.value))};
  });
  return found;
}

}  // namespace

std::string EncodeSettingValue(uint64_t value) {
  ByteWriter w;
  w.U64(value);
  return w.Take();
}

std::string EncodeSettingValue(Durability value) {
  return EncodeSettingValue(static_cast<uint64_t>(value));
}

std::string EncodeSettingValue(const KeepTiers& value) {
  ByteWriter w;
  for (const KeepTier& tier : value) {
    w.U64(tier.every_seconds);
    w.U64(tier.for_seconds);
  }
  return w.Take();
}

bool DecodeSettingValue(std::string_view bytes, uint64_t* out) {
  ByteReader r(bytes);
  *out = r.U64();
  return r.AtEnd();
}

bool DecodeSettingValue(std::string_view bytes, Durability* out) {
  uint64_t number = 0;
  if (!DecodeSettingValue(bytes, &number) || number > 1) return false;
  *out = static_cast<Durability>(number);
  return true;
}

bool DecodeSettingValue(std::string_view bytes, KeepTiers* out) {
  out->clear();
  ByteReader r(bytes);
  while (r.remaining() != 0) {
    const uint64_t every_seconds = r.U64();
    out->push_back({every_seconds, r.U64()});
  }
  return r.AtEnd();
}

bool HasStoredSettings(const RuntimeSettings& settings) {
  return CountOf(settings) != 0;
}

void EncodeStoredSettings(const RuntimeSettings& settings, ByteWriter* out) {
  out->U32(CountOf(settings));
  const RuntimeSettings initial;
  ForEachStored([&](const auto& setting) {
    if (settings.*setting.value == initial.*setting.value) return;
    out->U32(setting.stored);
    out->Blob(EncodeSettingValue(settings.*setting.value));
  });
}

Status DecodeStoredSettings(ByteReader* in, RuntimeSettings* out) {
  const uint32_t count = in->U32();
  uint32_t last = 0;
  for (uint32_t i = 0; i < count && in->ok(); ++i) {
    const uint32_t number = in->U32();
    const std::string_view bytes = in->Blob();
    if (!in->ok() || number <= last) break;
    const Found found = SetStored(number, bytes, out);
    if (!found.known) {
      return Status::NotSupported("STORE: holds setting number " + std::to_string(number) +
                                  ", which this rawkv does not know; use a newer rawkv");
    }
    if (!found.good) break;
    last = number;
    if (i + 1 == count) return Status::Ok();
  }
  return Status::Corruption("STORE: the list of settings is damaged");
}

}  // namespace rawkv
