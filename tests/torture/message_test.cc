#include "tools/torture/message.h"

#include <gtest/gtest.h>

namespace rawkv::torture {
namespace {

TEST(TortureMessage, TextKeepsEveryField) {
  std::string text;
  for (uint32_t kind = 0; kind <= static_cast<uint32_t>(Message::Kind::kDigest); ++kind) {
    text += ToText(
        {.kind = static_cast<Message::Kind>(kind), .actor = kind, .version = 7, .number = UINT64_MAX - kind});
  }
  const auto parsed = ParseMessages(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  ASSERT_EQ(parsed->size(), static_cast<size_t>(Message::Kind::kDigest) + 1);
  for (uint32_t kind = 0; kind < parsed->size(); ++kind) {
    const Message& m = (*parsed)[kind];
    EXPECT_EQ(static_cast<uint32_t>(m.kind), kind);
    EXPECT_EQ(m.actor, kind);
    EXPECT_EQ(m.version, 7u);
    EXPECT_EQ(m.number, UINT64_MAX - kind);
  }
}

TEST(TortureMessage, MalformedTextIsRefused) {
  for (const char* text : {"c0:1", "z0:1:2", "c0:1:", "c0:1:2x", "c-:1:2"}) {
    EXPECT_EQ(ParseMessages(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
  EXPECT_TRUE(ParseMessages("").value().empty());
}

}  // namespace
}  // namespace rawkv::torture
