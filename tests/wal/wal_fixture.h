#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/fs_ops.h"
#include "tests/support/temp_dir.h"
#include "wal/segment_header.h"
#include "wal/segment_name.h"
#include "wal/wal.h"

#define ASSERT_OK(expr) ASSERT_TRUE(::rawkv::IsOk(expr))

namespace rawkv {

inline testing::AssertionResult IsOk(const Status& status) {
  if (status.ok()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << status.ToString();
}

// The smallest log: two blocks, and a step of one.
inline constexpr WalOptions kSmallLog{.segment_bytes = 64 * 1024, .fill_step_bytes = 4096};

inline constexpr Lineage kFirstBranch(0x1111);
inline constexpr Lineage kSecondBranch(0x2222);

// A record as a test remembers it.
struct Known {
  Version version;
  Lineage lineage;
  uint64_t time_unix_ms = 0;
  std::string body;
  friend bool operator==(const Known&, const Known&) = default;
};

// Names and contents of a log's files, to look at, damage and put back.
using Image = std::map<std::string, std::string>;

// One log in a directory of its own, driven through the real filesystem or a given one.
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
  // Scans, keeps all that is good, opens.
  Result<std::unique_ptr<Wal>> Open(Fs& fs = PosixFs(), const WalOptions& options = kSmallLog) const;
  // [from, to] as ReadLog gives them.
  Result<std::vector<Known>> Read(Version from, Version to) const;
  std::vector<Version> SegmentVersions() const;

  Image Save() const;
  void Restore(const Image& image) const;  // exactly these files

 private:
  TempDir dir_;
  LineageChain chain_;
};

// A record whose body tells version, branch and `salt` apart in every byte range.
Known MakeRecord(Version version, Lineage lineage, size_t body_bytes, uint64_t salt = 0);

// Prepares space for the records and appends them as one group.
Status AppendGroup(Wal& wal, const std::vector<Known>& records, Version durable_through);
// Each as a group of its own, synced and claimed durable by the next one.
Status AppendSynced(Wal& wal, const std::vector<Known>& records);

}  // namespace rawkv
