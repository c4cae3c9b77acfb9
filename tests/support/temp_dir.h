#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "base/check.h"

namespace rawkv {

// A new directory (mode 0700) below $TMPDIR or /tmp. The destructor removes it with its content.
class TempDir {
 public:
  TempDir() {
    const char* base = getenv("TMPDIR");
    path_ = std::string(base != nullptr && *base != '\0' ? base : "/tmp") + "/rawkv-test-XXXXXX";
    RAWKV_CHECK(mkdtemp(path_.data()) != nullptr, "tests need a writable TMPDIR or /tmp");
  }
  ~TempDir() {
    std::error_code ignored;  // a leftover directory is no reason to abort a test program
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  std::string operator/(const std::string& name) const { return File(name); }

 private:
  std::string path_;
};

}  // namespace rawkv
