// The model of rawkv-torture: which states it accepts after a kill, and which it reports as a violation.
#include "tools/torture/history.h"

#include <gtest/gtest.h>

#include "tools/torture/script.h"

namespace rawkv::torture {
namespace {

using Kind = Message::Kind;

class TortureHistory : public testing::Test {
 protected:
  Status Send(Kind kind, uint32_t actor, uint64_t version = 0, uint64_t number = 0) {
    return history_.Record({.kind = kind, .actor = actor, .version = version, .number = number});
  }
  void Commit(uint64_t version, uint64_t nonce, uint32_t actor = 0) {
    ASSERT_TRUE(Send(Kind::kCommit, actor, 0, nonce).ok());
    ASSERT_TRUE(Send(Kind::kCommitted, actor, version).ok());
  }
  Status ReopenAt(uint64_t tip) {
    history_.ProcessEnded();
    return Send(Kind::kOpened, 0, tip);
  }
  static State After(const std::vector<uint64_t>& nonces) {
    State out;
    for (const uint64_t nonce : nonces) ApplyScript(nonce, &out);
    return out;
  }
  void ExpectViolation(const Status& status, const std::string& text) {
    EXPECT_EQ(status.code(), StatusCode::kCorruption);
    EXPECT_NE(status.message().find(text), std::string::npos) << status.ToString();
  }

  History history_{Version(0)};
};

TEST_F(TortureHistory, AcknowledgedCommitMustBePresent) {
  Commit(1, 11);
  Commit(2, 12);
  EXPECT_TRUE(ReopenAt(2).ok());
  ExpectViolation(ReopenAt(1), "was reopened at version 1; acknowledged: version 2");
}

TEST_F(TortureHistory, CommitInProgressMayBePresentOrAbsent) {
  Commit(1, 11);
  ASSERT_TRUE(Send(Kind::kCommit, 0, 0, 12).ok());
  history_.ProcessEnded();
  History absent = history_;
  EXPECT_TRUE(absent.Record({.kind = Kind::kOpened, .version = 1}).ok());
  EXPECT_EQ(absent.known(), Version(1));

  EXPECT_TRUE(Send(Kind::kOpened, 0, 2).ok());
  EXPECT_EQ(history_.Unknown(Version(2)), std::vector<Version>{Version(2)});
  EXPECT_TRUE(Send(Kind::kFound, 0, 2, 12).ok());
  EXPECT_EQ(*history_.StateAt(Version(2)), After({11, 12}));
}

TEST_F(TortureHistory, UnknownCommitIsAViolation) {
  Commit(1, 11);
  ASSERT_TRUE(Send(Kind::kCommit, 0, 0, 12).ok());
  ExpectViolation(ReopenAt(3), "no more than 1");
  ExpectViolation(Send(Kind::kFound, 0, 2, 13), "no worker was making");
  ExpectViolation(Send(Kind::kFound, 0, 1, 13), "acknowledged was commit 11");
}

TEST_F(TortureHistory, AbsentCommitMustStayAbsent) {
  ASSERT_TRUE(Send(Kind::kCommit, 0, 0, 11).ok());
  ASSERT_TRUE(ReopenAt(0).ok());
  ASSERT_TRUE(Send(Kind::kCommit, 0, 0, 12).ok());
  ASSERT_TRUE(ReopenAt(1).ok());
  ExpectViolation(Send(Kind::kFound, 0, 1, 11), "no worker was making");
}

TEST_F(TortureHistory, AcknowledgementsOfAGroupMayComeInAnyOrder) {
  for (uint32_t actor : {1u, 2u, 3u}) ASSERT_TRUE(Send(Kind::kCommit, actor, 0, 10 + actor).ok());
  ASSERT_TRUE(Send(Kind::kCommitted, 3, 2).ok());
  ASSERT_TRUE(Send(Kind::kCommitted, 1, 1).ok());
  EXPECT_EQ(*history_.StateAt(Version(2)), After({11, 13}));
  ExpectViolation(Send(Kind::kCommitted, 2, 2), "acknowledged twice");
}

TEST_F(TortureHistory, UnnamedCommitsAreInferredFromTheTip) {
  for (uint32_t actor : {1u, 2u, 3u}) ASSERT_TRUE(Send(Kind::kCommit, actor, 0, 20 + actor).ok());
  ASSERT_TRUE(Send(Kind::kCommitted, 2, 3).ok());
  ASSERT_TRUE(ReopenAt(3).ok());
  History other = history_;
  EXPECT_TRUE(history_.Infer({{Version(3), After({23, 21, 22})}}).ok());
  EXPECT_EQ(*history_.StateAt(Version(3)), After({23, 21, 22}));
  ExpectViolation(other.Infer({{Version(3), After({21, 23})}}), "no order");
}

// Numbers of commits whose only step is a put of `key`, in ascending order.
std::vector<uint64_t> PutsOf(const std::string& key, size_t count) {
  std::vector<uint64_t> out;
  for (uint64_t nonce = 0; out.size() < count; ++nonce) {
    const std::vector<ScriptStep> script = ScriptOf(nonce);
    if (script.size() != 1 || script[0].key != key || script[0].kind != ScriptStep::Kind::kPut) continue;
    out.push_back(nonce);
  }
  return out;
}

TEST_F(TortureHistory, OverwrittenCommitsAreInferredFromOlderVersions) {
  const std::vector<uint64_t> puts = PutsOf("key5", 3);
  const uint64_t other_key = PutsOf("key6", 1)[0];
  ASSERT_TRUE(Send(Kind::kCommit, 1, 0, puts[0]).ok());
  ASSERT_TRUE(Send(Kind::kCommit, 2, 0, puts[1]).ok());
  Commit(2, other_key, 3);
  Commit(3, puts[2], 3);
  ASSERT_TRUE(ReopenAt(3).ok());
  History by_a_reader = history_;
  const State second = After({puts[1], other_key});
  const State tip = After({puts[1], other_key, puts[2]});
  ASSERT_EQ(tip, After({puts[0], other_key, puts[2]}));
  EXPECT_TRUE(history_.Infer({{Version(2), second}, {Version(3), tip}}).ok());
  EXPECT_EQ(*history_.StateAt(Version(2)), second);

  ASSERT_TRUE(by_a_reader.Record({.kind = Kind::kDigest, .version = 2, .number = DigestOf(second)}).ok());
  EXPECT_TRUE(by_a_reader.Infer({{Version(3), tip}}).ok());
  EXPECT_TRUE(by_a_reader.CheckDigests().ok());
}

TEST_F(TortureHistory, RollbackInProgressHappenedOrNot) {
  for (uint64_t v = 1; v <= 5; ++v) Commit(v, 30 + v);
  ASSERT_TRUE(Send(Kind::kRollback, 0, 2).ok());
  history_.ProcessEnded();
  History undone = history_;
  EXPECT_TRUE(undone.Record({.kind = Kind::kOpened, .version = 5}).ok());
  EXPECT_EQ(undone.known(), Version(5));
  History between = history_;
  ExpectViolation(between.Record({.kind = Kind::kOpened, .version = 3}), "was reopened at version 3");
  EXPECT_TRUE(Send(Kind::kOpened, 0, 2).ok());
  EXPECT_EQ(history_.known(), Version(2));
  EXPECT_EQ(history_.StateAt(Version(3)), nullptr);
}

TEST_F(TortureHistory, AcknowledgedRollbackIsKept) {
  for (uint64_t v = 1; v <= 3; ++v) Commit(v, 40 + v);
  ASSERT_TRUE(Send(Kind::kRollback, 0, 1).ok());
  ASSERT_TRUE(Send(Kind::kRolledBack, 0).ok());
  Commit(2, 49);
  ExpectViolation(ReopenAt(3), "no more than 0");
  ExpectViolation(Send(Kind::kFound, 0, 2, 42), "acknowledged was commit 49");
}

TEST_F(TortureHistory, DigestOfAReaderMustMatchTheVersion) {
  Commit(1, 11);
  ASSERT_TRUE(Send(Kind::kDigest, 0, 1, DigestOf(After({11}))).ok());
  EXPECT_TRUE(history_.CheckDigests().ok());
  EXPECT_EQ(history_.counts().digests_checked, 1u);
  ASSERT_TRUE(Send(Kind::kDigest, 0, 1, DigestOf(After({12}))).ok());
  ExpectViolation(history_.CheckDigests(), "a reader read version 1");
}

TEST_F(TortureHistory, VersionThatAReaderReadMustBePresent) {
  ASSERT_TRUE(Send(Kind::kCommit, 1, 0, 11).ok());
  ASSERT_TRUE(Send(Kind::kDigest, 0, 1, DigestOf(After({11}))).ok());
  ExpectViolation(ReopenAt(0), "a reader had read version 1");
}

TEST_F(TortureHistory, PinsMustMatchTheAcknowledgements) {
  Commit(1, 11);
  ASSERT_TRUE(Send(Kind::kPin, 4).ok());
  ASSERT_TRUE(Send(Kind::kPinned, 4, 1).ok());
  EXPECT_TRUE(history_.CheckPins({{PinNameOf(4), Version(1)}}).ok());
  ExpectViolation(History(history_).CheckPins({}), "is absent, acknowledged at version 1");
  ASSERT_TRUE(Send(Kind::kUnpin, 4).ok());
  history_.ProcessEnded();
  EXPECT_TRUE(History(history_).CheckPins({{PinNameOf(4), Version(1)}}).ok());
  ExpectViolation(History(history_).CheckPins({{PinNameOf(4), Version(2)}}), "is at version 2");
  EXPECT_TRUE(history_.CheckPins({}).ok());
}

TEST_F(TortureHistory, UnsyncedPromiseCoversOnlyDurableVersions) {
  history_ = History(Version(0), Promise::kDurable);
  for (uint64_t v = 1; v <= 4; ++v) Commit(v, 50 + v);
  ASSERT_TRUE(Send(Kind::kDurable, 0, 2).ok());
  EXPECT_TRUE(ReopenAt(3).ok());
  EXPECT_EQ(history_.known(), Version(3));
  EXPECT_EQ(history_.counts().lost_undurable, 1u);
  ExpectViolation(ReopenAt(1), "reported as durable: version 2");
}

}  // namespace
}  // namespace rawkv::torture
