#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "base/types.h"

namespace rawkv {

// Lowest and highest first version that a segment may be named after.
inline constexpr Version kMinSegmentVersion = Version(1);
inline constexpr Version kMaxSegmentVersion = Next(kMaxVersion);

// A segment as its directory shows it: nothing of its content is known yet.
struct SegmentFile {
  Version first;  // from the name
  std::string path;
  uint64_t bytes = 0;
};

// 20 digits and ".log", so that the order of names is the order of versions.
std::string SegmentName(Version first);
std::optional<Version> ParseSegmentName(std::string_view name);
// A half-made segment, to be swept.
bool IsTemporarySegmentName(std::string_view name);

// By first version. Other names are left out: they are none of ours. Safe beside a writer.
Result<std::vector<SegmentFile>> ListSegmentFiles(Fs& fs, const std::string& dir);

// Index of the newest segment that can hold `version`, or none if all begin above it.
std::optional<size_t> FindSegment(const std::vector<SegmentFile>& files, Version version);

}  // namespace rawkv
