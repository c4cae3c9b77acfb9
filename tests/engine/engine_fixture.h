#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "tests/support/expect_status.h"
#include "tests/support/model.h"
#include "tests/support/recording_logger.h"
#include "tests/support/temp_dir.h"

namespace rawkv {

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;

// A small store on a real filesystem without automatic snapshots. TearDown closes the store and checks that
// it is undamaged.
class EngineTest : public testing::Test {
 protected:
  EngineTest();
  void TearDown() override;

  // Format uses `format_` and Open uses `open_`: a test changes them before the call.
  void Format();
  void Open();
  void FormatAndOpen();
  void Close();
  void Reopen();
  // Reopens the store as a killed process leaves it: copies the directory without closing the engine, and
  // opens the copy in its place.
  void ReopenKilled();
  // Fails the test if fsck has findings. With `deep`, fsck also reads the payloads.
  void ExpectWhole(bool deep = true);

  // Each commits one operation and returns the new version. Fails the test if the commit fails.
  Version Put(std::string_view key, std::string_view value);
  Version Delete(std::string_view key);
  Version EmptyCommit();
  // Commits `n` times, each time with another payload of one slot for `key`. Returns the last version.
  Version Overwrite(std::string_view key, uint64_t n);

  // Returns the value at the tip or at `version`. Returns "" and fails the test if the value cannot be read.
  std::string Get(std::string_view key, std::optional<Version> version = std::nullopt);
  bool Has(std::string_view key, std::optional<Version> version = std::nullopt);
  std::shared_ptr<const ReadView> View(std::optional<Version> version = std::nullopt);
  EngineInfo Info();
  // Number of freed slots that this holder alone keeps.
  uint64_t PinnedBy(const std::string& kind, const std::string& name);
  std::vector<Version> Snapshots();

  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  // Maps the name of each file and directory of the store to its inode, mode, size and modification time.
  // Leaves out the names in `without` and the files below them.
  std::map<std::string, std::string> Listing(const std::vector<std::string>& without = {}) const;

  TempDir tmp_;
  std::string dir_ = tmp_.File("store");
  RecordingLogger logger_;
  FormatOptions format_;
  OpenOptions open_;
  std::unique_ptr<Engine> engine_;
  bool whole_at_the_end_ = true;  // false if the test damages its store
};

// A value that fills one slot. Equal seeds give equal content.
std::string OneSlot(uint64_t seed);

}  // namespace rawkv
