#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/fs_ops.h"
#include "tests/support/expect_status.h"
#include "tests/support/temp_dir.h"
#include "wal/segment_header.h"
#include "wal/segment_name.h"
#include "wal/wal.h"

namespace rawkv {

// The smallest segments, filled by one block at a time.
inline constexpr WalOptions kSmallLog{.segment_bytes = 64 * 1024, .fill_step_bytes = 4096};

inline constexpr Lineage kFirstBranch(0x1111);
inline constexpr Lineage kSecondBranch(0x2222);

// A record that a test has written or read.
struct TestRecord {
  Version version;
  Lineage lineage;
  uint64_t time_unix_ms = 0;
  std::string body;
  friend bool operator==(const TestRecord&, const TestRecord&) = default;
};

// Names and contents of the files of a log, to inspect, damage and restore.
using LogImage = std::map<std::string, std::string>;

// One log in its own directory, on the real filesystem or a given one.
class LogFixture {
 public:
  explicit LogFixture(Version initial = Version(0));

  WalContext Context(Fs& fs = PosixFs()) const;
  const LineageChain& chain() const { return chain_; }
  void SetChain(LineageChain chain) { chain_ = std::move(chain); }
  void Fork(Lineage id, Version fork) { chain_ = chain_.Forked(id, fork); }
  const std::string& dir() const { return dir_.path(); }
  std::string SegmentPath(Version first) const { return JoinPath(dir(), SegmentName(first)); }

  // A scan of the whole log.
  Result<LogScan> Scan(Version proven = Version(0)) const;
  // Scans the log and opens it with all its good records.
  Result<std::unique_ptr<Wal>> Open(Fs& fs = PosixFs(), const WalOptions& options = kSmallLog) const;
  // The records of [from, to] that ReadLog returns.
  Result<std::vector<TestRecord>> Read(Version from, Version to) const;
  std::vector<Version> SegmentVersions() const;

  LogImage Save() const;
  void Restore(const LogImage& image) const;  // the directory then holds exactly these files

 private:
  TempDir dir_;
  LineageChain chain_;
};

// A record with a pseudorandom body that depends on version, branch and `salt`.
TestRecord MakeRecord(Version version, Lineage lineage, size_t body_bytes, uint64_t salt = 0);

// Prepares space for the records and appends them as one group.
Status AppendGroup(Wal& wal, const std::vector<TestRecord>& records, Version durable_through);
// Appends and syncs each record as its own group. Each record claims that the one before it is durable.
Status AppendSynced(Wal& wal, const std::vector<TestRecord>& records);

}  // namespace rawkv
