#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/checksum.h"
#include "base/endian.h"
#include "base/fs_ops.h"
#include "snapshot/snapshot_store.h"

namespace rawkv {

class FixedClock final : public Clock {
 public:
  uint64_t NowUnixMs() override { return 1'700'000'000'000; }
  uint64_t MonotonicNs() override { return 0; }
};

inline const Uuid kStoreUuid = *Uuid::Parse("00112233-4455-4677-8899-aabbccddeeff");
inline constexpr Lineage kLineage{0x1122334455667788};

inline LineageChain OneBranch() {
  return LineageChain({{.id = kLineage, .parent = Lineage(), .fork = Version(0)}});
}

inline Status WriteNew(Fs& fs, const std::string& path, const std::string& content) {
  RAWKV_ASSIGN_OR_RETURN(const auto file, fs.Open(path, OpenMode::kCreateNew));
  return file->WriteAt(0, AsBytes(content));
}

inline std::string XxhChecksum(const std::string& content) {
  std::string checksum(8, '\0');
  StoreLe(checksum.data(), Xxh3(AsBytes(content)));
  return checksum;
}

inline FileChecksummer ContentChecksummer(Fs& fs) {
  return [&fs](const std::string& path, FileChecksumKind) -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const std::string content, ReadFile(fs, path, 1 << 20));
    return XxhChecksum(content);
  };
}

// Replaces the RocksDB index in Publish and Verify. Its file FACTS names its version.
struct FakeIndex {
  explicit FakeIndex(Version v) : version(v) {}

  std::map<std::string, std::string> Files() const {
    return {{"FACTS", std::to_string(version.value())},
            {"000012.sst", "table of " + std::to_string(version.value()) + salt},
            {"000007.sst", "shared table"}};
  }

  // Made for each Fs, so that one index can be published in several.
  SnapshotCallbacks Callbacks(Fs& fs) const {
    SnapshotCallbacks callbacks;
    callbacks.fill = [this, &fs](const std::string& dir) -> Result<std::vector<ManifestFile>> {
      std::vector<ManifestFile> listed;
      for (const auto& file : Files()) {
        RAWKV_RETURN_IF_ERROR(WriteNew(fs, JoinPath(dir, file.first), file.second));
        listed.push_back({.path = file.first,
                          .size_bytes = file.second.size(),
                          .checksum_kind = FileChecksumKind::kXxh3,
                          .checksum = XxhChecksum(file.second)});
      }
      return listed;
    };
    callbacks.inspect = [this, &fs](const std::string& dir) -> Result<SnapshotFacts> {
      RAWKV_ASSIGN_OR_RETURN(const std::string facts, ReadFile(fs, JoinPath(dir, "FACTS"), 100));
      if (litter) {
        RAWKV_RETURN_IF_ERROR(WriteNew(fs, JoinPath(dir, "LOG"), "opened"));
        RAWKV_RETURN_IF_ERROR(fs.MakeDir(JoinPath(dir, "archive")));
        RAWKV_RETURN_IF_ERROR(WriteNew(fs, JoinPath(dir, "archive/000001.log"), "old"));
      }
      return SnapshotFacts{.version = Version(std::stoull(facts)), .lineage = lineage, .digest = {}};
    };
    return callbacks;
  }

  Version version;
  Lineage lineage = kLineage;
  std::string salt;     // distinguishes two indexes of one version
  bool litter = false;  // an open leaves extra files
};

}  // namespace rawkv
