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

// A store in a fresh directory, and rawkv-ctl to work on it. At the end of each test the store must pass
// `fsck --deep`, unless the test damaged it.
class CtlTest : public ::testing::Test {
 protected:
  void TearDown() override;

  const std::string& store() const { return store_; }
  std::string File(const std::string& name) const { return dir_.File(name); }
  void WriteFile(const std::string& name, const std::string& content) const;
  std::string ReadFile(const std::string& path) const;

  // 16 MiB in slots of 4 KiB, values over 1 KiB on the device.
  void Format(const Args& more = {});
  // Versions 1 … n: key k<i mod 3> gets a value named after the version, of 2,000 bytes.
  void Commit(int versions);
  static std::string ValueAt(int version);

  // With --store.
  CtlResult Run(Args args, const CtlSurroundings& around = {}) const;
  // Ends with 0, and prints nothing on standard error; standard output.
  std::string Ok(const Args& args, const CtlSurroundings& around = {}) const;
  // The same with --json; one document.
  Json OkJson(Args args, const CtlSurroundings& around = {}) const;
  // The lines of a standard output, each as JSON.
  static std::vector<Json> Rows(const std::string& out);
  // The names of an object's fields, in order.
  static std::vector<std::string> Fields(const Json& object);

  // The test has damaged the store, or left none.
  void SkipFinalCheck() { final_check_ = false; }

 private:
  const TempDir dir_;
  const std::string store_ = dir_.File("store");
  bool final_check_ = true;
};

// Ended with `status`, said why in one line that has `what` in it, and printed no data.
::testing::AssertionResult EndedWith(const CtlResult& result, int status, const std::string& what);

}  // namespace rawkv::ctl
