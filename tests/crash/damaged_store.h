#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/crash/store_fixture.h"
#include "tests/support/flip_byte.h"

namespace rawkv {

class KeyIndex;

// A store of twelve versions, made once for each program, with copies of it and functions to damage a copy.
// It has snapshots 0, 5 and 9 (`current`), two versions in each log segment (1, 3, …, 11), a working index at
// version 9, and inline values and payload in every version.
class DamagedStore : public StoreFixture {
 protected:
  static constexpr uint64_t kTip = 12;
  static void SetUpTestSuite();
  static void TearDownTestSuite();

  // Copies the store with its hard links, as cp -a does.
  std::string FreshCopy(const std::string& name = "store");
  const std::map<std::string, std::string>& State(uint64_t version) const { return states_->at(version); }

  static std::string SnapshotDir(const std::string& dir, uint64_t version);
  static std::string Segment(const std::string& dir, uint64_t first);
  // Paths of the files in a directory whose names end in `ending`.
  static std::vector<std::string> FilesIn(const std::string& dir, const std::string& ending);
  // Replaces the file by a copy and changes the byte there, so that other hard links do not show it.
  static void FlipUnshared(const std::string& path, uint64_t offset);
  // Changes a byte in the record of a version.
  static void FlipRecord(const std::string& dir, uint64_t version);
  // Overwrites the log from this version on with zeros and deletes later segments, as if the records had
  // never been written.
  static void LoseLogFrom(const std::string& dir, uint64_t version);
  // Changes a byte of the payload that this version wrote.
  static void FlipPayload(const std::string& dir, uint64_t version);
  // Opens the index of a directory, lets `fn` change it, and flushes.
  static void ChangeIndex(const std::string& index_dir, const std::function<void(KeyIndex&)>& fn);

  // Size, inode and time of each file of the store, by name, without LOCK and views/. For the device, a hash
  // of its content.
  static std::map<std::string, std::string> DescribeFiles(const std::string& dir);

 private:
  static std::string RecordText(uint64_t version);

  static TempDir* prepared_;
  static std::map<uint64_t, std::map<std::string, std::string>>* states_;
};

}  // namespace rawkv
