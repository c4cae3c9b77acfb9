#include "snapshot/pins.h"

#include "base/byte_codec.h"
#include "base/fs_ops.h"
#include "base/sealed_file.h"
#include "base/utf8.h"

// Layout: docs/formats/pins.md.
namespace rawkv {
namespace {

constexpr SealedKind kKind{.magic = "RKVPINST", .format = 1, .name = "PINS", .max_payload_bytes = 4ull << 20};
constexpr size_t kMaxNameBytes = 255;

std::string PathIn(const std::string& store_dir) {
  return JoinPath(store_dir, "PINS");
}

Status Damaged(const std::string& path, const std::string& how) {
  return Status::Corruption(path + ": PINS is damaged: " + how);
}

// Removes the first code point from `text` and returns it. Returns 0xFFFFFFFF for invalid UTF-8, also for
// overlong forms and surrogates, so that a name has one spelling.
uint32_t TakeCodePoint(std::string_view& text) {
  const size_t length = Utf8SequenceLength(text, 0);
  if (length == 0) return 0xffffffff;
  const auto lead = static_cast<uint8_t>(text[0]);
  uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) code = code << 6 | (static_cast<uint8_t>(text[i]) & 0x3fu);
  text.remove_prefix(length);
  return code;
}

// Terminals and line-based listings show pin names. So a name has no control characters, no line or paragraph
// separators, and no characters that reorder text.
bool IsPrintable(uint32_t code) {
  const bool control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
  const bool reorders = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  const bool separator = code == 0x2028 || code == 0x2029;
  const bool no_character = (code & 0xfffe) == 0xfffe || (code >= 0xfdd0 && code <= 0xfdef);
  return code <= 0x10ffff && !control && !reorders && !separator && !no_character;
}

}  // namespace

std::string TierPinName(Version version) {
  return std::string(kTierPinPrefix) + ToString(version);
}

Status ValidatePinName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) {
    return Status::InvalidArgument("a pin's name must have 1 to " + std::to_string(kMaxNameBytes) +
                                   " bytes, not " + std::to_string(name.size()));
  }
  for (std::string_view rest = name; !rest.empty();) {
    const size_t offset = name.size() - rest.size();
    const uint32_t code = TakeCodePoint(rest);
    if (code == '/' || !IsPrintable(code)) {
      return Status::InvalidArgument("a pin's name must be printable UTF-8 without '/'; byte " +
                                     std::to_string(offset) + " is not");
    }
  }
  return {};
}

Result<PinTable> LoadPins(Fs& fs, const std::string& store_dir) {
  const std::string path = PathIn(store_dir);
  const Result<std::string> payload = ReadSealedFile(fs, path, kKind);
  if (!payload.ok() && payload.status().code() == StatusCode::kNotFound) return PinTable();
  if (!payload.ok()) return payload.status();

  ByteReader in(*payload);
  if (const uint32_t flags = in.U32(); in.ok() && flags != 0) {
    return Status::NotSupported(path + ": flags " + std::to_string(flags) +
                                ", which this build does not know; use a newer rawkv");
  }
  PinTable pins;
  const uint32_t count = in.U32();
  for (uint32_t i = 0; i < count; ++i) {
    const Version version(in.U64());
    const std::string_view name = in.Blob();
    if (!in.ok()) return Damaged(path, "it ends within pin " + std::to_string(i));
    if (!ValidatePinName(name).ok()) return Damaged(path, "pin " + std::to_string(i) + " has no valid name");
    if (!pins.empty() && name <= pins.rbegin()->first) {
      return Damaged(path, "its names are not in order or not unique at pin " + std::to_string(i));
    }
    pins.emplace_hint(pins.end(), name, version);
  }
  if (!in.AtEnd()) return Damaged(path, "its length does not match its count");
  return pins;
}

Status SavePins(Fs& fs, const std::string& store_dir, const PinTable& pins) {
  ByteWriter out;
  out.U32(0);  // flags
  out.U32(static_cast<uint32_t>(pins.size()));
  for (const auto& pin : pins) {
    RAWKV_RETURN_IF_ERROR(ValidatePinName(pin.first));
    out.U64(pin.second.value());
    out.Blob(pin.first);
  }
  return WriteSealedFile(fs, PathIn(store_dir), kKind, out.str());
}

}  // namespace rawkv
