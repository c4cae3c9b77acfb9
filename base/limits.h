#pragma once

#include <cstdint>

// The largest and smallest values that a store accepts. Every layer uses these.
namespace rawkv {

inline constexpr uint64_t kMaxKeyBytes = 64 * 1024;
inline constexpr uint64_t kMaxValueBytes = 1ull << 30;
inline constexpr uint64_t kMaxUserMetadataBytes = 64 * 1024;
inline constexpr uint64_t kMaxInlineBytes = 64 * 1024;   // of the setting inline_bytes
inline constexpr uint64_t kMaxSlotBytes = 64ull << 20;   // of the setting slot_bytes
inline constexpr uint64_t kMinSegmentBytes = 64 * 1024;  // of the setting wal_segment_bytes
inline constexpr uint64_t kMaxSegmentBytes = 1ull << 30;
inline constexpr uint64_t kMaxKeepRecent = 1'000'000;
inline constexpr uint64_t kMaxKeepForSeconds = 100ull * 365 * 86400;
inline constexpr uint64_t kMaxUndoVersions = 65'536;
inline constexpr uint64_t kMaxKeepTiers = 8;

}  // namespace rawkv
