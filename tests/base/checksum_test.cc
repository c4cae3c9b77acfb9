#include "base/checksum.h"

#include <gtest/gtest.h>

#include "base/sha256.h"

namespace rawkv {
namespace {

// Published values of XXH3-64 with seed 0. A library that computes other values could not read a store.
TEST(Xxh3, MatchesPublishedValues) {
  EXPECT_EQ(Xxh3({}), 0x2d06800538d394c2u);
  EXPECT_EQ(Xxh3(AsBytes("a")), 0xe6c632b61e964e1fu);
  EXPECT_EQ(Xxh3(AsBytes("abc")), 0x78af5f94892f3950u);
}

TEST(Xxh3, SeedChangesTheChecksum) {
  EXPECT_EQ(Xxh3(AsBytes("abc"), 0), Xxh3(AsBytes("abc")));
  EXPECT_NE(Xxh3(AsBytes("abc"), 1), Xxh3(AsBytes("abc")));
}

// FIPS 180-4 examples.
TEST(Sha256, MatchesPublishedVectors) {
  EXPECT_EQ(ToHex(Sha256Of({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(ToHex(Sha256Of(AsBytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(Sha256Of(AsBytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(ToHex(Sha256Of(AsBytes(std::string(1000000, 'a')))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesGiveTheDigestOfTheWhole) {
  const std::string text(1000, 'q');
  for (const size_t piece : {1u, 63u, 64u, 65u, 999u}) {
    Sha256 hash;
    hash.Update({});
    for (size_t at = 0; at < text.size(); at += piece) hash.Update(AsBytes(text.substr(at, piece)));
    EXPECT_EQ(hash.Finish(), Sha256Of(AsBytes(text))) << piece;
  }
}

TEST(Sha256DeathTest, CallAfterFinishAborts) {
  Sha256 hash;
  (void)hash.Finish();
  EXPECT_DEATH(hash.Update(AsBytes("x")), "Update after Finish");
  EXPECT_DEATH((void)hash.Finish(), "Finish twice");
}

TEST(ToHex, IsLowerCaseAndKeepsLeadingZeros) {
  EXPECT_EQ(ToHex(ConstBytes()), "");
  EXPECT_EQ(ToHex(AsBytes(std::string_view("\x00\x0f\xab\xff", 4))), "000fabff");
}

}  // namespace
}  // namespace rawkv
