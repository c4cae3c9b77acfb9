#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace rawkv {

// Changes a byte of a file in place, so that every hard link of the file shows it.
inline void FlipByte(const std::string& path, uint64_t offset) {
  std::fstream f(path, std::ios::in | std::ios::out | std::ios::binary);
  f.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(f.get() ^ 0x5a);
  f.seekp(static_cast<std::streamoff>(offset));
  f.put(byte);
  f.flush();
  EXPECT_TRUE(f.good()) << path;
}

}  // namespace rawkv
