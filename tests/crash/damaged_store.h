#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/crash/store_fixture.h"

namespace rawkv {

class KeyIndex;

// A store of twelve versions, made once a program, copies of it, and ways to damage one. Snapshots 0, 5
// and 9 (`current`), two versions a log segment (1, 3, …, 11), the working index as of version 9, inline
// values and payload in every version.
class DamagedStore : public StoreFixture {
 protected:
  static constexpr uint64_t kTip = 12;
  static void SetUpTestSuite();
  static void TearDownTestSuite();

  // A copy with its hard links, as cp -a makes it.
  std::string Fresh(const std::string& name = "store");
  const std::map<std::string, std::string>& State(uint64_t version) const { return states_->at(version); }

  static std::string SnapshotDir(const std::string& dir, uint64_t version);
  static std::string Segment(const std::string& dir, uint64_t first);
  // The files in a directory whose names end so.
  static std::vector<std::string> FilesIn(const std::string& dir, const std::string& ending);
  // In place: every name of the file sees it.
  static void FlipByte(const std::string& path, uint64_t offset);
  // In a file of its own, where it was a hard link.
  static void FlipUnshared(const std::string& path, uint64_t offset);
  // A byte in the record of a version.
  static void FlipRecord(const std::string& dir, uint64_t version);
  // The log from this version on is zeros and later segments are gone: a tail that never came to be.
  static void LoseLogFrom(const std::string& dir, uint64_t version);
  // The payload of `key` as this version wrote it.
  static void FlipPayload(const std::string& dir, uint64_t version);
  // Opens the index of a directory, lets `fn` change it, and flushes.
  static void ChangeIndex(const std::string& index_dir, const std::function<void(KeyIndex&)>& fn);

  // Name, size, inode and time of everything in the store but LOCK and views/; of the device its content.
  static std::map<std::string, std::string> Look(const std::string& dir);

 private:
  static std::string RecordText(uint64_t version);

  static TempDir* prepared_;
  static std::map<uint64_t, std::map<std::string, std::string>>* states_;
};

}  // namespace rawkv
