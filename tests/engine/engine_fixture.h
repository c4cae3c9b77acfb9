#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "tests/engine/expect_status.h"
#include "tests/engine/recording_logger.h"
#include "tests/support/model.h"
#include "tests/support/temp_dir.h"

namespace rawkv {

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;

// One store on a real filesystem, small and without automatic snapshots. At the end of each test it is
// closed and must be whole.
class EngineTest : public testing::Test {
 protected:
  EngineTest();
  void TearDown() override;

  // The store's own options; change them before.
  void Format();
  void Open();
  void FormatAndOpen();
  void Close();
  void Reopen();
  // Without a close: what a process leaves that is killed between two calls. The copy takes its place.
  void ReopenKilled();
  // No findings. `deep`: payloads, too.
  void ExpectWhole(bool deep = true);

  // One-operation commits that must do; the version.
  Version Put(std::string_view key, std::string_view value);
  Version Delete(std::string_view key);
  Version EmptyCommit();
  // `n` commits that overwrite `key` with payloads of one slot; the last version.
  Version Overwrite(std::string_view key, uint64_t n);

  // The value at the tip or at a version; "" and a failure if it cannot be read.
  std::string Get(std::string_view key, std::optional<Version> version = std::nullopt);
  bool Has(std::string_view key, std::optional<Version> version = std::nullopt);
  std::shared_ptr<const ReadView> View(std::optional<Version> version = std::nullopt);
  EngineInfo Info();
  // Freed slots that exactly this holder keeps.
  uint64_t PinnedBy(const std::string& kind, const std::string& name);
  std::vector<Version> Snapshots();

  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  // What lies below the store's directory, with size, time and inode of everything: name → look.
  std::map<std::string, std::string> Listing(const std::vector<std::string>& without = {}) const;

  TempDir tmp_;
  std::string dir_ = tmp_.File("store");
  RecordingLogger logger_;
  FormatOptions format_;
  OpenOptions open_;
  std::unique_ptr<Engine> engine_;
  bool whole_at_the_end_ = true;  // false: the test damages its store
};

// A payload of one slot whose content is its seed's.
std::string OneSlot(uint64_t seed);

}  // namespace rawkv
