#include "base/base64.h"

#include <gtest/gtest.h>

namespace rawkv {
namespace {

TEST(Base64, EncodesTheRfcExamples) {
  EXPECT_EQ(EncodeBase64(""), "");
  EXPECT_EQ(EncodeBase64("f"), "Zg==");
  EXPECT_EQ(EncodeBase64("fo"), "Zm8=");
  EXPECT_EQ(EncodeBase64("foobar"), "Zm9vYmFy");
}

TEST(Base64, RoundTripsEveryLengthAndByte) {
  std::string bytes;
  for (int i = 0; i < 600; ++i) {
    const Result<std::string> decoded = DecodeBase64(EncodeBase64(bytes));
    ASSERT_TRUE(decoded.ok()) << bytes.size();
    ASSERT_EQ(*decoded, bytes);
    bytes += static_cast<char>(i * 7);
  }
}

TEST(Base64, RoundTripsBytesLongerThanOnePiece) {
  std::string bytes((3u << 20) * 2 + 1, '\xA5');
  bytes.back() = 'x';
  const Result<std::string> decoded = DecodeBase64(EncodeBase64(bytes));
  ASSERT_TRUE(decoded.ok());
  EXPECT_TRUE(*decoded == bytes);
}

TEST(Base64, RefusesTextThatIsNotStrictBase64) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zm9v\n", " Zm9v", "Zm 9",
                           "Zg==Zg==", "Zm=v", "Zm-_", "Zh==", "Zm9="}) {
    EXPECT_EQ(DecodeBase64(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace rawkv
