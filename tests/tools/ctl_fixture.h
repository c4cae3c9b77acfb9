#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"
#include "tests/tools/ctl_process.h"

namespace rawkv::ctl {

using Json = nlohmann::ordered_json;
using Args = std::vector<std::string>;

// A store in a new directory, and functions that run rawkv-ctl on it. At the end of each test the store must
// pass `fsck --deep`, unless the test damaged it.
class CtlTest : public ::testing::Test {
 protected:
  void TearDown() override;

  const std::string& store() const { return store_; }
  std::string File(const std::string& name) const { return dir_.File(name); }
  void WriteFile(const std::string& name, const std::string& content) const;
  std::string ReadFile(const std::string& path) const;

  // Formats a store of 16 MiB with slots of 4 KiB. Values over 1 KiB go to the device.
  void Format(const Args& more = {});
  // Commits versions 1 … n: version i puts ValueAt(i), 2,000 bytes, at key k<i mod 3>.
  void Commit(int versions);
  static std::string ValueAt(int version);

  // Runs rawkv-ctl with --store.
  CtlResult Run(Args args, const CtlSurroundings& around = {}) const;
  // Checks that the command ends with 0 and prints nothing on standard error. Returns its standard output.
  std::string Ok(const Args& args, const CtlSurroundings& around = {}) const;
  // Like Ok, with --json. Returns the one document.
  Json OkJson(Args args, const CtlSurroundings& around = {}) const;
  // Parses each line of a standard output as JSON.
  static std::vector<Json> Rows(const std::string& out);
  // The names of an object's fields, in order.
  static std::vector<std::string> Fields(const Json& object);

  // Skips the final fsck: the test damages the store, or leaves none.
  void SkipFinalCheck() { final_check_ = false; }

 private:
  const TempDir dir_;
  const std::string store_ = dir_.File("store");
  bool final_check_ = true;
};

// The command ended with `status`, printed one line of error that contains `what`, and printed no data.
::testing::AssertionResult EndedWith(const CtlResult& result, int status, const std::string& what);

}  // namespace rawkv::ctl
