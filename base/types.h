#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include "base/export.h"

namespace rawkv {

// A u64 of its own type, so that the compiler rejects a mix-up with another u64. Conversion is explicit in
// both directions (`value()`).
template <typename Tag>
class StrongU64 {
 public:
  constexpr StrongU64() = default;
  constexpr explicit StrongU64(uint64_t value) : value_(value) {}
  constexpr uint64_t value() const { return value_; }
  friend constexpr auto operator<=>(StrongU64, StrongU64) = default;

 private:
  uint64_t value_ = 0;
};

// The number of a committed state. Versions are dense: 1, 2, 3, … The initial version is 0 unless `format`
// got another number.
using Version = StrongU64<struct VersionTag>;
// No stored version is above this, so that version arithmetic cannot wrap.
inline constexpr Version kMaxVersion((uint64_t{1} << 63) - 1);
// The branch a version belongs to: a random non-zero number, new with each rollback.
using Lineage = StrongU64<struct LineageTag>;
// Index of an allocation unit on the device.
using SlotId = StrongU64<struct SlotIdTag>;
// A number of slots.
using SlotCount = StrongU64<struct SlotCountTag>;
// Byte position on the device.
using DeviceOffset = StrongU64<struct DeviceOffsetTag>;
// Identifies one payload write: open generation << 40 | counter. Unique in the life of a store.
using WriteId = StrongU64<struct WriteIdTag>;

constexpr Version Next(Version v) {
  return Version(v.value() + 1);
}
constexpr Version Previous(Version v) {
  return Version(v.value() - 1);
}
constexpr SlotId operator+(SlotId s, SlotCount n) {
  return SlotId(s.value() + n.value());
}
constexpr SlotCount operator-(SlotId a, SlotId b) {
  return SlotCount(a.value() - b.value());
}
constexpr SlotCount operator+(SlotCount a, SlotCount b) {
  return SlotCount(a.value() + b.value());
}
constexpr SlotCount operator-(SlotCount a, SlotCount b) {
  return SlotCount(a.value() - b.value());
}
constexpr DeviceOffset operator+(DeviceOffset o, uint64_t bytes) {
  return DeviceOffset(o.value() + bytes);
}

// For messages: a version in decimal; a lineage or a write id as 16 hex digits.
RAWKV_EXPORT std::string ToString(Version v);
RAWKV_EXPORT std::string ToHex(uint64_t v);

}  // namespace rawkv

template <typename Tag>
struct std::hash<rawkv::StrongU64<Tag>> {
  size_t operator()(rawkv::StrongU64<Tag> v) const noexcept { return std::hash<uint64_t>{}(v.value()); }
};
