#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/status.h"

namespace rawkv {

// Expects kCorruption for every file that differs from `good` in one bit, is shorter, or is longer by a byte.
// `decode` returns the code for a file.
template <typename Decode>
void ExpectAllDamageIsCorruption(const std::string& good, const Decode& decode) {
  ASSERT_EQ(decode(good), StatusCode::kOk);
  for (size_t i = 0; i < 8 * good.size(); ++i) {
    std::string bad = good;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << i % 8));
    ASSERT_EQ(decode(bad), StatusCode::kCorruption) << "bit " << i % 8 << " of byte " << i / 8;
  }
  for (size_t size = 0; size < good.size(); ++size) {
    ASSERT_EQ(decode(good.substr(0, size)), StatusCode::kCorruption) << "the first " << size << " bytes";
  }
  ASSERT_EQ(decode(good + '\0'), StatusCode::kCorruption);
}

}  // namespace rawkv
