#include "tools/ctl/hints.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace rawkv::ctl {
namespace {

TEST(Hints, GetTheStoreAndTheDevice) {
  ::unsetenv("RAWKV_STORE");
  Flags flags;
  flags.store = "/var/my store";
  const std::string text = "damaged; `rawkv-ctl fsck --repair` repairs it, `rawkv-ctl info` shows it";
  EXPECT_EQ(CompleteHints(text, flags),
            "damaged; `rawkv-ctl fsck --repair --store='/var/my store'` repairs it, "
            "`rawkv-ctl info --store='/var/my store'` shows it");
  flags.device = "/dev/sdz";
  EXPECT_EQ(CompleteHints("see `rawkv-ctl info`", flags),
            "see `rawkv-ctl info --store='/var/my store' --device=/dev/sdz`");
}

TEST(Hints, StayWhereTheyAreCompleteAlready) {
  Flags flags;
  flags.store = "/s";
  ::setenv("RAWKV_STORE", "/s", 1);
  EXPECT_EQ(CompleteHints("see `rawkv-ctl info`", flags), "see `rawkv-ctl info`");
  ::setenv("RAWKV_STORE", "/other", 1);
  EXPECT_EQ(CompleteHints("see `rawkv-ctl info`", flags), "see `rawkv-ctl info --store=/s`");
  ::unsetenv("RAWKV_STORE");
  for (const char* text : {"see `rawkv-ctl help get`", "`current` is missing", "`rawkv-ctl unclosed", ""}) {
    EXPECT_EQ(CompleteHints(text, flags), text);
  }
}

}  // namespace
}  // namespace rawkv::ctl
