#include <gtest/gtest.h>

#include "base/fs_ops.h"
#include "tools/ctl/command_table.h"

// The completion script and docs/cli.md are written by hand. These tests check that they are complete.
namespace rawkv::ctl {
namespace {

std::string SourceFile(const std::string& path) {
  const Result<std::string> content =
      ReadFile(PosixFs(), std::string(RAWKV_SOURCE_DIR) + "/" + path, 1 << 20);
  EXPECT_TRUE(content.ok()) << content.status().ToString();
  return content.ok() ? *content : "";
}

// The flags of `command` in the script: "'get') flags='key_b64 …'".
std::string CompletedFlags(const std::string& script, std::string_view command) {
  const std::string opening = "'" + std::string(command) + "') flags='";
  const size_t begin = script.find(opening);
  if (begin == std::string::npos) return "";
  const size_t first = begin + opening.size();
  return " " + script.substr(first, script.find('\'', first) - first) + " ";
}

TEST(Completion, ScriptHasEveryCommandAndItsFlags) {
  const std::string script = SourceFile("tools/ctl/completion/rawkv-ctl.bash");
  for (const Command& command : Commands()) {
    const std::string flags = CompletedFlags(script, command.name);
    ASSERT_FALSE(flags.empty()) << command.name;
    for (const std::string_view flag : command.flags) {
      EXPECT_NE(flags.find(" " + std::string(flag) + " "), std::string::npos)
          << command.name << " --" << flag;
    }
    EXPECT_EQ(static_cast<size_t>(std::count(flags.begin(), flags.end(), ' ')),
              command.flags.empty() ? 2 : command.flags.size() + 1)
        << command.name << " has only its own flags";
  }
}

TEST(Documentation, PageHasEveryCommandAndItsFlags) {
  const std::string page = SourceFile("docs/cli.md");
  for (const Command& command : Commands()) {
    const std::string heading = "\n### " + std::string(command.name) + "\n";
    const size_t begin = page.find(heading);
    ASSERT_NE(begin, std::string::npos) << command.name;
    const std::string section = page.substr(begin, page.find("\n### ", begin + 1) - begin);
    EXPECT_NE(section.find(command.example), std::string::npos)
        << command.name << ": the example of its help is missing";
    for (const std::string_view flag : command.flags) {
      EXPECT_TRUE(section.find("--" + std::string(flag)) != std::string::npos ||
                  section.find("[open flags]") != std::string::npos ||
                  section.find("[device flags]") != std::string::npos ||
                  section.find("[format flags]") != std::string::npos)
          << command.name << " --" << flag;
    }
  }
}

}  // namespace
}  // namespace rawkv::ctl
