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

// A segment as its directory lists it. Its content has not been read.
struct SegmentFile {
  Version first;  // from the name
  std::string path;
  uint64_t bytes = 0;
};

// 20 digits and ".log", so that the order of names is the order of versions.
std::string SegmentName(Version first);
std::optional<Version> ParseSegmentName(std::string_view name);
// True for the temporary name of an unfinished segment, which a sweep deletes.
bool IsTemporarySegmentName(std::string_view name);

// The segments in `dir`, ordered by first version. Ignores files with other names. Safe while another thread
// or process writes the log.
Result<std::vector<SegmentFile>> ListSegmentFiles(Fs& fs, const std::string& dir);

// Index of the newest segment that can hold `version`; none if all segments begin above it.
std::optional<size_t> FindSegment(const std::vector<SegmentFile>& files, Version version);

}  // namespace rawkv
