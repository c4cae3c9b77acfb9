#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/export.h"
#include "base/result.h"

namespace rawkv {

class Entropy;

// A 128-bit identity; its text has the usual 36 characters.
struct RAWKV_EXPORT Uuid {
  std::array<std::byte, 16> bytes{};

  static Uuid Generate(Entropy& entropy);            // RFC 4122 version 4
  static Result<Uuid> Parse(std::string_view text);  // kInvalidArgument
  std::string ToString() const;
  bool IsNil() const { return *this == Uuid{}; }
  friend bool operator==(const Uuid&, const Uuid&) = default;
};

}  // namespace rawkv
