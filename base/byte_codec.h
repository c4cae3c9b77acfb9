#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/endian.h"
#include "base/types.h"
#include "base/uuid.h"

namespace rawkv {

// Appends little-endian fields to a string. ByteReader reads them.
class ByteWriter {
 public:
  ByteWriter() = default;
  // Uses the memory of `used`, whose content it drops.
  explicit ByteWriter(std::string used) : out_(std::move(used)) { out_.clear(); }
  void U8(uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void U16(uint16_t v) { Put(v); }
  void U32(uint32_t v) { Put(v); }
  void U64(uint64_t v) { Put(v); }
  void Raw(std::string_view bytes) { out_.append(bytes); }
  // Writes a u32 length, then the bytes.
  void Blob(std::string_view bytes) {
    U32(static_cast<uint32_t>(bytes.size()));
    Raw(bytes);
  }
  void Id(const Uuid& id) { Raw(AsStringView(id.bytes)); }
  const std::string& str() const { return out_; }
  std::string Take() { return std::move(out_); }

 private:
  template <typename T>
  void Put(T v) {
    char raw[sizeof(T)];
    StoreLe(raw, v);
    out_.append(raw, sizeof(T));
  }
  std::string out_;
};

// Reads fields that ByteWriter wrote, and never reads past the end. After the first short read ok() stays
// false, and every later read returns zero or an empty result. Check ok() or AtEnd() before you use a result.
class ByteReader {
 public:
  explicit ByteReader(ConstBytes in) : in_(in) {}
  explicit ByteReader(std::string_view in) : in_(AsBytes(in)) {}
  uint8_t U8() { return Get<uint8_t>(); }
  uint16_t U16() { return Get<uint16_t>(); }
  uint32_t U32() { return Get<uint32_t>(); }
  uint64_t U64() { return Get<uint64_t>(); }
  std::string_view Raw(uint64_t length) {
    if (!ok_ || length > in_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view out = AsStringView(in_.first(length));
    in_ = in_.subspan(length);
    return out;
  }
  std::string_view Blob() { return Raw(U32()); }
  Uuid Id() {
    Uuid id;
    const std::string_view raw = Raw(id.bytes.size());
    if (ok_) std::memcpy(id.bytes.data(), raw.data(), raw.size());
    return id;
  }
  bool ok() const { return ok_; }
  bool AtEnd() const { return ok_ && in_.empty(); }
  uint64_t remaining() const { return ok_ ? in_.size() : 0; }

 private:
  template <typename T>
  T Get() {
    const std::string_view raw = Raw(sizeof(T));
    return ok_ ? LoadLe<T>(raw.data()) : T{};
  }
  ConstBytes in_;
  bool ok_ = true;
};

}  // namespace rawkv
