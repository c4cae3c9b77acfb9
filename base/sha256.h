#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace rawkv {

using Sha256Digest = std::array<std::byte, 32>;

// Incremental SHA-256 (libcrypto). Thread-compatible.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void Update(ConstBytes bytes);
  Sha256Digest Finish();  // at most once; no call may follow

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Sha256Digest Sha256Of(ConstBytes bytes);
std::string ToHex(ConstBytes bytes);  // lower case

}  // namespace rawkv
