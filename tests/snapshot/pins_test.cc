#include "snapshot/pins.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "base/byte_codec.h"
#include "base/fs_ops.h"
#include "base/sealed_file.h"
#include "base/sha256.h"
#include "tests/snapshot/fake_index.h"
#include "tests/support/damage.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

class PinsTest : public testing::Test {
 protected:
  Result<PinTable> LoadFile(const std::string& file) {
    (void)fs_.RemoveFile(dir_.File("PINS")).ok();
    EXPECT_TRUE(WriteNew(fs_, dir_.File("PINS"), file).ok());
    return LoadPins(fs_, dir_.path());
  }
  StatusCode LoadPayload(const ByteWriter& payload) {
    return LoadFile(Seal({.magic = "RKVPINST", .format = 1, .name = "PINS"}, payload.str())).status().code();
  }

  TempDir dir_;
  Fs& fs_ = PosixFs();
  const PinTable example_ = {{"genesis", Version(1)}, {"größe", Version(4096)}};
};

// The worked example of docs/formats/pins.md.
TEST_F(PinsTest, GoldenBytes) {
  ASSERT_TRUE(SavePins(fs_, dir_.path(), example_).ok());
  EXPECT_EQ(ToHex(AsBytes(*ReadFile(fs_, dir_.File("PINS"), 1000))),
            "524b5650494e5354"  // magic
            "01000000"          // format
            "2e000000"          // payload length
            "2f7b3baf7b306cd8"  // checksum
            "00000000"          // flags
            "02000000"          // count
            "0100000000000000"  // version
            "0700000067656e65736973"
            "0010000000000000"
            "070000006772c3b6c39f65");
}

TEST_F(PinsTest, RoundTrips) {
  EXPECT_TRUE(LoadPins(fs_, dir_.path())->empty());  // no file
  ASSERT_TRUE(SavePins(fs_, dir_.path(), example_).ok());
  EXPECT_EQ(*LoadPins(fs_, dir_.path()), example_);
  ASSERT_TRUE(SavePins(fs_, dir_.path(), {}).ok());
  EXPECT_TRUE(LoadPins(fs_, dir_.path())->empty());
}

TEST_F(PinsTest, NamesArePrintableUtf8) {
  for (const std::string& name :
       {std::string("a"), std::string(255, 'x'), std::string("before upgrade 1.2"), std::string("größe"),
        std::string("版本"), std::string("🙂"), std::string(".."), std::string("\xf4\x8f\xbf\xbd"),
        std::string("\xc2\xa0")}) {
    EXPECT_TRUE(ValidatePinName(name).ok()) << name;
  }
  for (const std::string& name : {std::string(),
                                  std::string(256, 'x'),
                                  std::string("a/b"),
                                  std::string("a\nb"),
                                  std::string("a\0b", 3),
                                  std::string("\x1b[31m"),
                                  std::string("\x7f"),
                                  std::string("\xc2\x85"),      // U+0085, a control
                                  std::string("\xe2\x80\xa8"),  // U+2028, a line separator
                                  std::string("\xe2\x80\xae"),  // U+202E, writes backwards
                                  std::string("\xef\xbf\xbe"),  // U+FFFE, not a character
                                  std::string("\x80"),
                                  std::string("\xc3"),
                                  std::string("\xc3("),
                                  std::string("\xc0\xaf"),  // overlong encoding of '/'
                                  std::string("\xe0\x80\xaf"),
                                  std::string("\xed\xa0\x80"),
                                  std::string("\xf4\x90\x80\x80"),
                                  std::string("\xf8\x88\x80\x80\x80"),
                                  std::string("\xff")}) {
    EXPECT_EQ(ValidatePinName(name).code(), StatusCode::kInvalidArgument) << ToHex(AsBytes(name));
    EXPECT_EQ(SavePins(fs_, dir_.path(), {{name, Version(1)}}).code(), StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(*Exists(fs_, dir_.File("PINS")));
}

TEST_F(PinsTest, AnyDamageIsCorruption) {
  ASSERT_TRUE(SavePins(fs_, dir_.path(), example_).ok());
  ExpectAllDamageIsCorruption(*ReadFile(fs_, dir_.File("PINS"), 1000),
                              [&](const std::string& file) { return LoadFile(file).status().code(); });
}

TEST_F(PinsTest, InvalidFieldsWithAGoodChecksumAreRefused) {
  const auto payload = [](uint32_t flags, uint32_t count, const std::vector<std::string>& names) {
    ByteWriter out;
    out.U32(flags);
    out.U32(count);
    for (const std::string& name : names) {
      out.U64(1);
      out.Blob(name);
    }
    return out;
  };
  EXPECT_EQ(LoadPayload(payload(0, 2, {"a", "b"})), StatusCode::kOk);
  EXPECT_EQ(LoadPayload(payload(1, 2, {"a", "b"})), StatusCode::kNotSupported);
  EXPECT_EQ(LoadPayload(payload(0, 1, {"a", "b"})), StatusCode::kCorruption);
  EXPECT_EQ(LoadPayload(payload(0, 3, {"a", "b"})), StatusCode::kCorruption);
  EXPECT_EQ(LoadPayload(payload(0, 0xffffffff, {"a"})), StatusCode::kCorruption);
  EXPECT_EQ(LoadPayload(payload(0, 2, {"b", "a"})), StatusCode::kCorruption);
  EXPECT_EQ(LoadPayload(payload(0, 2, {"a", "a"})), StatusCode::kCorruption);
  EXPECT_EQ(LoadPayload(payload(0, 1, {""})), StatusCode::kCorruption);
  EXPECT_EQ(LoadPayload(payload(0, 1, {"a\n"})), StatusCode::kCorruption);
  EXPECT_EQ(LoadPayload(ByteWriter()), StatusCode::kCorruption);
}

TEST_F(PinsTest, MorePinsThanTheFileHoldsAreRefusedAndChangeNothing) {
  ASSERT_TRUE(SavePins(fs_, dir_.path(), example_).ok());
  PinTable many;
  for (int i = 0; i < 20000; ++i) many.emplace(std::to_string(i) + std::string(245, 'x'), Version(1));
  EXPECT_EQ(SavePins(fs_, dir_.path(), many).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(*LoadPins(fs_, dir_.path()), example_);
}

}  // namespace
}  // namespace rawkv
