#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"

namespace rawkv {

// Stores in a scratch directory, copies of them, and functions to use and check them. A failure of these
// functions fails the test.
class StoreFixture : public ::testing::Test {
 protected:
  std::string NewStore(const std::string& name, FormatOptions format = {});
  std::string CopyOf(const std::string& store, const std::string& name);

  static OpenOptions Quiet(Fs& fs = PosixFs());
  std::unique_ptr<Engine> Open(const std::string& dir, const OpenOptions& options = Quiet());
  // Commits key=value; returns the version.
  Version Put(Engine& engine, const std::string& key, const std::string& value);
  static std::map<std::string, std::string> Content(Engine& engine, std::optional<Version> version = {});
  void ExpectWhole(const std::string& dir);  // fsck --deep without findings

  const TempDir scratch_;
};

}  // namespace rawkv
