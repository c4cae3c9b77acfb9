// Invariants 9 and 12: after any damage to a log, a scan never returns a wrong record, and never calls a tail
// torn that is proven to have been durable.

#include "tests/support/sanitized.h"
#include "tests/wal/wal_fixture.h"

namespace rawkv {
namespace {

class LogDamage : public testing::Test {
 protected:
  // Records 1 … 5 in one segment, or 1 … 3 and 4 … 5 in two. Each record claims that the one before it is
  // durable.
  void Make(bool two_segments) {
    ASSERT_OK(CreateLog(log_.Context(), kSmallLog, Version(1)));
    const auto wal = log_.Open();
    ASSERT_OK(wal.status());
    for (uint64_t v = 1; v <= 5; ++v)
      records_.push_back(MakeRecord(Version(v), kFirstBranch, 40 + 70 * (v % 3)));
    ASSERT_OK(AppendSynced(**wal, {records_.begin(), records_.begin() + 3}));
    if (two_segments) {
      ASSERT_OK((*wal)->PrepareSpace((*wal)->max_group_bytes()));
    }
    ASSERT_OK(AppendSynced(**wal, {records_.begin() + 3, records_.end()}));
    image_ = log_.Save();
    ASSERT_EQ(image_.size(), two_segments ? 2u : 1u);
  }

  // End of record `version` in the segment that begins at `first`.
  uint64_t EndOf(uint64_t first, uint64_t version) const {
    uint64_t end = kSegmentHeaderBytes;
    for (uint64_t v = first; v <= version; ++v) {
      end += Wal::FramedBytes(std::vector<PendingRecord>{{Version(v), 0, AsBytes(records_[v - 1].body)}});
    }
    return end;
  }

  // Checks a scan by the rules that hold after any damage. Returns the scan if it succeeds.
  std::optional<LogScan> CheckScan() {
    const Result<LogScan> scan = log_.Scan();
    if (!scan.ok()) {
      EXPECT_EQ(scan.status().code(), StatusCode::kCorruption) << scan.status().ToString();
      return std::nullopt;
    }
    EXPECT_LE(scan->last, records_.back().version);
    const auto read = log_.Read(Version(1), scan->last);
    EXPECT_OK(read);
    if (read.ok()) {
      EXPECT_TRUE(
          std::equal(read->begin(), read->end(), records_.begin(), records_.begin() + scan->last.value()));
    }
    if (scan->end == LogEnd::kCorrupt) {
      EXPECT_EQ(scan->damaged_from, Next(scan->last));
      EXPECT_GE(scan->damaged_to, scan->damaged_from);
    }
    EXPECT_EQ(scan->end == LogEnd::kClean, scan->message.empty());
    const Result<LogScan> proven = log_.Scan(records_.back().version);
    EXPECT_TRUE(proven.ok());
    EXPECT_EQ(proven->end == LogEnd::kCorrupt,
              scan->end == LogEnd::kCorrupt || scan->last < records_.back().version);
    return *scan;
  }

  void WriteByte(const std::string& name, uint64_t offset, char byte) const {
    const auto file = PosixFs().Open(JoinPath(log_.dir(), name), OpenMode::kReadWrite);
    ASSERT_OK(file.status());
    ASSERT_OK((*file)->WriteAt(offset, AsBytes({&byte, 1})));
  }

  void FlipEveryByte(const std::string& name,
                     const std::function<void(uint64_t, const std::optional<LogScan>&)>& expect) {
    const std::string& content = image_[name];
    for (uint64_t at = 0; at < content.size(); at += at < 8192 ? Share(1, 7) : 61) {
      SCOPED_TRACE(name + " byte " + std::to_string(at));
      WriteByte(name, at, static_cast<char>(content[at] ^ (at % 2 == 0 ? 0x01 : 0xff)));
      expect(at, CheckScan());
      WriteByte(name, at, content[at]);
      if (HasFailure()) return;
    }
  }

  // Cuts the first segment to every length. Below a header the scan must fail.
  void ShortenFirstSegment(const std::function<void(uint64_t length, const LogScan&)>& expect) {
    const std::string name = SegmentName(Version(1));
    const auto file = PosixFs().Open(JoinPath(log_.dir(), name), OpenMode::kReadWrite);
    ASSERT_OK(file.status());
    for (uint64_t cut = 1; cut <= image_[name].size(); cut += Share(1, 7)) {
      const uint64_t length = image_[name].size() - cut;
      SCOPED_TRACE("length " + std::to_string(length));
      ASSERT_OK((*file)->Truncate(length));
      const std::optional<LogScan> scan = CheckScan();
      ASSERT_EQ(scan.has_value(), length >= kSegmentHeaderBytes);
      if (scan) expect(length, *scan);
      if (HasFailure()) return;
    }
  }

  LogFixture log_;
  std::vector<TestRecord> records_;
  LogImage image_;
};

TEST_F(LogDamage, FlippedByteInOneSegmentNeverYieldsAWrongRecord) {
  Make(false);
  FlipEveryByte(SegmentName(Version(1)), [&](uint64_t at, const std::optional<LogScan>& scan) {
    if (at < kSegmentHeaderBytes) {
      EXPECT_FALSE(scan) << "a damaged segment header is an error";
      return;
    }
    ASSERT_TRUE(scan);
    if (at >= EndOf(1, 5)) {  // garbage after a whole log
      EXPECT_EQ(scan->end, LogEnd::kTorn);
      EXPECT_EQ(scan->last, Version(5));
      EXPECT_EQ(scan->torn_bytes, at + 1 - EndOf(1, 5));
    } else if (at >= EndOf(1, 4)) {  // nothing shows that the last record was durable
      EXPECT_TRUE(scan->end == LogEnd::kTorn || scan->last == Version(5));
    } else if (scan->last < Version(5)) {
      EXPECT_EQ(scan->end, LogEnd::kCorrupt);
      EXPECT_EQ(scan->damaged_to, scan->damaged_from) << "only one record was damaged";
    }
  });
}

TEST_F(LogDamage, FlippedByteInTwoSegmentsNeverYieldsAWrongRecord) {
  Make(true);
  FlipEveryByte(SegmentName(Version(1)), [&](uint64_t at, const std::optional<LogScan>& scan) {
    if (at < kSegmentHeaderBytes) {
      EXPECT_FALSE(scan);
    } else if (at >= EndOf(1, 3)) {  // the next segment continues the good end: nothing is missing
      ASSERT_TRUE(scan);
      EXPECT_EQ(scan->end, LogEnd::kClean);
      EXPECT_EQ(scan->last, Version(5));
    } else {
      ASSERT_TRUE(scan);
      EXPECT_TRUE(scan->end == LogEnd::kCorrupt || scan->last == Version(5));
    }
  });
  FlipEveryByte(SegmentName(Version(4)), [&](uint64_t at, const std::optional<LogScan>& scan) {
    if (at < kSegmentHeaderBytes) {
      EXPECT_FALSE(scan);
      return;
    }
    ASSERT_TRUE(scan);
    if (at >= EndOf(4, 4)) {
      EXPECT_TRUE(scan->end == LogEnd::kTorn || scan->last == Version(5));
    } else {
      EXPECT_TRUE(scan->end == LogEnd::kCorrupt || scan->last == Version(5));
    }
  });
}

TEST_F(LogDamage, LastSegmentCutToAnyLengthKeepsItsGoodRecords) {
  Make(false);
  ShortenFirstSegment([&](uint64_t length, const LogScan& scan) {
    uint64_t whole = 0;
    while (whole < 5 && EndOf(1, whole + 1) <= length) ++whole;
    EXPECT_EQ(scan.last, Version(whole));
    EXPECT_EQ(scan.end, length > EndOf(1, whole) && whole < 5 ? LogEnd::kTorn : LogEnd::kClean);
  });
}

TEST_F(LogDamage, ShortenedSealedSegmentIsCorruptOnlyIfItLosesARecord) {
  Make(true);
  ShortenFirstSegment([&](uint64_t length, const LogScan& scan) {
    EXPECT_EQ(scan.end, length >= EndOf(1, 3) ? LogEnd::kClean : LogEnd::kCorrupt);
  });
}

// An interrupted cut, or a disk that lost a page, leaves zeros in any run of steps.
TEST_F(LogDamage, ZeroedRunIsTornOnlyAtTheEnd) {
  Make(false);
  const std::string name = SegmentName(Version(1));
  const uint64_t end = EndOf(1, 5);
  for (uint64_t from = kSegmentHeaderBytes; from < end; from += 64) {
    for (uint64_t to = from + 64; to <= end; to += 64) {
      SCOPED_TRACE(std::to_string(from) + " to " + std::to_string(to));
      LogImage image = image_;
      image[name].replace(from, to - from, to - from, '\0');
      log_.Restore(image);
      const std::optional<LogScan> scan = CheckScan();
      ASSERT_TRUE(scan);
      uint64_t whole = 0;
      while (EndOf(1, whole + 1) <= from) ++whole;
      // The header of record v proves that v - 1 was durable, if the whole header survives.
      bool proven = false;
      for (uint64_t v = whole + 2; v <= 5; ++v) {
        const uint64_t begin = EndOf(1, v - 1);
        proven = proven || begin >= to || begin + 80 <= from;
      }
      EXPECT_EQ(scan->end == LogEnd::kCorrupt, proven && scan->last < Version(5));
      if (HasFailure()) return;
    }
  }
}

TEST_F(LogDamage, LostTailThatAWatermarkProvesDurableIsCorrupt) {
  Make(false);
  {
    const auto wal = log_.Open();
    ASSERT_OK((*wal)->PrepareSpace(Wal::kWatermarkBytes));
    ASSERT_OK((*wal)->AppendWatermark(kFirstBranch, Version(5)));
  }
  LogImage image = log_.Save();
  std::string& content = image[SegmentName(Version(1))];
  content.replace(EndOf(1, 3), EndOf(1, 5) - EndOf(1, 3), EndOf(1, 5) - EndOf(1, 3), '\0');
  log_.Restore(image);
  const auto scan = log_.Scan();
  ASSERT_OK(scan.status());
  EXPECT_EQ(scan->end, LogEnd::kCorrupt);
  EXPECT_EQ(scan->damaged_from, Version(4));
  EXPECT_EQ(scan->damaged_to, Version(5));
}

TEST_F(LogDamage, GarbageAfterZerosIsTornAndZeroedAtOpen) {
  Make(false);
  const LogImage clean = image_;
  LogImage image = image_;
  image[SegmentName(Version(1))].replace(8000, 5, "stale");
  log_.Restore(image);
  const auto scan = log_.Scan();
  ASSERT_OK(scan.status());
  EXPECT_EQ(scan->end, LogEnd::kTorn);
  EXPECT_EQ(scan->last, Version(5));
  ASSERT_OK(log_.Open().status());
  EXPECT_EQ(log_.Save(), clean);
}

TEST_F(LogDamage, FrameCopiedElsewhereProvesNothing) {
  Make(false);
  LogImage image = image_;
  std::string& content = image[SegmentName(Version(1))];
  const std::string frame = content.substr(EndOf(1, 4), EndOf(1, 5) - EndOf(1, 4));
  content.replace(EndOf(1, 3), EndOf(1, 5) - EndOf(1, 3), EndOf(1, 5) - EndOf(1, 3), '\0');
  content.replace(6400, frame.size(), frame);
  log_.Restore(image);
  const auto scan = log_.Scan();
  ASSERT_OK(scan.status());
  EXPECT_EQ(scan->end, LogEnd::kTorn);
  EXPECT_EQ(scan->last, Version(3));
}

TEST_F(LogDamage, OpenAfterDamageKeepsTheGoodPart) {
  Make(true);
  LogImage image = image_;
  image[SegmentName(Version(1))][EndOf(1, 1)] ^= 1;
  log_.Restore(image);
  const auto scan = log_.Scan();
  ASSERT_OK(scan.status());
  ASSERT_EQ(scan->end, LogEnd::kCorrupt);
  ASSERT_OK(Wal::Open(log_.Context(), kSmallLog, *scan, scan->last).status());
  const auto after = log_.Scan();
  ASSERT_OK(after.status());
  EXPECT_EQ(after->end, LogEnd::kClean);
  EXPECT_EQ(after->last, Version(1));
  EXPECT_EQ(log_.SegmentVersions(), std::vector<Version>{Version(1)});
}

// Random damage of any kind, at several places at once.
TEST_F(LogDamage, RandomDamageNeverYieldsAWrongRecord) {
  Make(true);
  for (uint64_t seed = 1; seed <= Share(2000, 300); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    LogImage image = image_;
    for (uint64_t n = 1 + random() % 4; n > 0; --n) {
      std::string& content = image[SegmentName(Version(random() % 2 == 0 ? 1 : 4))];
      const uint64_t at = 4000 + random() % 1400;
      const uint64_t length = std::min<uint64_t>(1 + random() % 200, content.size() - at);
      const uint64_t kind = random() % 3;
      for (uint64_t i = at; i < at + length; ++i) {
        content[i] = kind == 0   ? '\0'
                     : kind == 1 ? static_cast<char>(random())
                                 : content[(i + 64) % content.size()];
      }
    }
    log_.Restore(image);
    CheckScan();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace rawkv
