#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/limits.h"

// Limits and sizes that the manifest and the chunks of an export share; docs/formats/export.md.
namespace rawkv {

// Chunk file: magic, format u32, flags u32, then fragments.
inline constexpr std::string_view kChunkMagic = "RKVCHUNK";
inline constexpr uint64_t kChunkHeaderBytes = 16;
// Key length u32, value length u64, offset u64, fragment length u32. The bytes of the key are not included.
inline constexpr uint64_t kFragmentHeadBytes = 24;
inline constexpr uint64_t kMinChunkFileBytes = kChunkHeaderBytes + kFragmentHeadBytes + 1;

// Row of a chunk in the manifest: name, size, SHA-256, lengths of two keys. The bytes of the keys are not
// included.
inline constexpr uint64_t kChunkNameBytes = 14;
inline constexpr uint64_t kManifestRowBytes = 4 + kChunkNameBytes + 8 + 32 + 4 + 4;
inline constexpr uint64_t kMaxChunks = 100'000'000;  // a name has eight digits

inline std::string ChunkName(uint64_t index) {
  std::array<char, kChunkNameBytes + 1> name{};
  std::snprintf(name.data(), name.size(), "chunk-%08u", static_cast<unsigned>(index));
  return name.data();
}

inline bool IsExportKey(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKeyBytes;
}

}  // namespace rawkv
