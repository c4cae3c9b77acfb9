#include "tests/tools/ctl_fixture.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace rawkv::ctl {

void CtlTest::TearDown() {
  if (!final_check_ || !std::filesystem::exists(store_)) return;
  const CtlResult check = Run({"fsck", "--deep"});
  EXPECT_EQ(check.status, 0) << check.out << check.err;
}

void CtlTest::WriteFile(const std::string& name, const std::string& content) const {
  std::ofstream(File(name), std::ios::binary) << content;
}

std::string CtlTest::ReadFile(const std::string& path) const {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

void CtlTest::Format(const Args& more) {
  Args args = {"format", "--capacity=16MiB"};
  args.insert(args.end(), more.begin(), more.end());
  Ok(args);
}

std::string CtlTest::ValueAt(int version) {
  std::string value = std::to_string(version) + ":";
  return value + std::string(2000 - value.size(), static_cast<char>('a' + version % 26));
}

void CtlTest::Commit(int versions) {
  std::string lines;
  for (int i = 1; i <= versions; ++i) {
    lines += R"({"put":[{"key":"k)" + std::to_string(i % 3) + R"(","value":")" + ValueAt(i) + "\"}]}\n";
  }
  Ok({"apply", "-"}, {.input = lines});
}

CtlResult CtlTest::Run(Args args, const CtlSurroundings& around) const {
  args.insert(args.begin(), "--store=" + store_);
  return RunCtl(args, around);
}

std::string CtlTest::Ok(const Args& args, const CtlSurroundings& around) const {
  const CtlResult result = Run(args, around);
  EXPECT_EQ(result.status, 0) << args.front() << ": " << result.err;
  EXPECT_EQ(result.err, "") << args.front();
  return result.out;
}

Json CtlTest::OkJson(Args args, const CtlSurroundings& around) const {
  args.insert(args.begin(), "--json");
  const std::vector<Json> rows = Rows(Ok(args, around));
  EXPECT_EQ(rows.size(), 1u) << args[1];
  return rows.empty() ? Json() : rows.front();
}

std::vector<Json> CtlTest::Rows(const std::string& out) {
  std::vector<Json> rows;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) {
    rows.push_back(Json::parse(line, nullptr, false));
    EXPECT_FALSE(rows.back().is_discarded()) << "not JSON: " << line;
  }
  return rows;
}

std::vector<std::string> CtlTest::Fields(const Json& object) {
  std::vector<std::string> names;
  for (const auto& item : object.items()) names.push_back(item.key());
  return names;
}

::testing::AssertionResult EndedWith(const CtlResult& result, int status, const std::string& what) {
  const auto failure = ::testing::AssertionFailure() << "status " << result.status << ", out '" << result.out
                                                     << "', err '" << result.err << "'";
  const bool one_line = !result.err.empty() && result.err.find('\n') == result.err.size() - 1;
  if (result.status != status || !result.out.empty() || !one_line) return failure;
  if (!result.err.starts_with("rawkv-ctl: ") || result.err.find(what) == std::string::npos) return failure;
  return ::testing::AssertionSuccess();
}

}  // namespace rawkv::ctl
