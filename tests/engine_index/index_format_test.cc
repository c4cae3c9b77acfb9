#include <gtest/gtest.h>

#include <string>

#include "engine/index/allocation_page.h"
#include "engine/index/deferred_record.h"
#include "engine/index/index_entry.h"
#include "engine/index/key_space.h"
#include "engine/index/meta_record.h"
#include "tests/engine_index/index_samples.h"

// The worked examples of docs/formats/index.md, byte for byte.
namespace rawkv {
namespace {

TEST(IndexFormat, GoldenKeys) {
  EXPECT_EQ(HexOf(UserKey("user/7").view()), "X");
}

}  // namespace
}  // namespace rawkv
