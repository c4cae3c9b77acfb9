#include "wal/segment_name.h"

#include <algorithm>
#include <charconv>

#include "base/fs_ops.h"

namespace rawkv {
namespace {

constexpr size_t kDigits = 20;
constexpr std::string_view kSuffix = ".log";
constexpr std::string_view kTemporarySuffix = ".tmp";

}  // namespace

std::string SegmentName(Version first) {
  const std::string digits = std::to_string(first.value());
  return std::string(kDigits - digits.size(), '0').append(digits).append(kSuffix);
}

std::optional<Version> ParseSegmentName(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  const std::string_view digits = name.substr(0, kDigits);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  const Version first(value);
  if (first < kMinSegmentVersion || first > kMaxSegmentVersion) return std::nullopt;
  return first;
}

bool IsTemporarySegmentName(std::string_view name) {
  if (!name.ends_with(kTemporarySuffix)) return false;
  name.remove_suffix(kTemporarySuffix.size());
  return ParseSegmentName(name).has_value();
}

Result<std::vector<SegmentFile>> ListSegmentFiles(Fs& fs, const std::string& dir) {
  Result<std::vector<std::string>> listed = fs.List(dir);
  if (listed.status().code() == StatusCode::kNotFound) return std::vector<SegmentFile>();
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, std::move(listed));
  std::vector<SegmentFile> files;
  for (const std::string& name : names) {
    const std::optional<Version> first = ParseSegmentName(name);
    if (!first) continue;
    std::string path = JoinPath(dir, name);
    const Result<FileStat> stat = fs.Stat(path);
    if (!stat.ok() && stat.status().code() == StatusCode::kNotFound) continue;  // dropped meanwhile
    if (!stat.ok()) return stat.status();
    files.push_back({.first = *first, .path = std::move(path), .bytes = stat->size_bytes});
  }
  std::sort(files.begin(), files.end(),
            [](const SegmentFile& a, const SegmentFile& b) { return a.first < b.first; });
  return files;
}

std::optional<size_t> FindSegment(const std::vector<SegmentFile>& files, Version version) {
  for (size_t i = files.size(); i > 0; --i) {
    if (files[i - 1].first <= version) return i - 1;
  }
  return std::nullopt;
}

}  // namespace rawkv
