#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fs.h"

namespace rawkv {

// The frame round every small metadata file (STORE, PINS, MANIFEST, BASE, ROLLBACK, LEASE, export
// manifest): magic[8], format u32, payload length u32, XXH3-64 of those 16 bytes and the payload,
// payload. Layout: docs/formats/sealed-file.md.
struct SealedKind {
  std::string_view magic;  // exactly 8 characters
  uint32_t format;         // newest format this build reads; what Seal writes
  std::string_view name;   // for messages: "STORE"
  uint64_t max_payload_bytes = 16ull << 20;
};

inline constexpr uint64_t kSealedHeaderBytes = 24;

std::string Seal(const SealedKind& kind, std::string_view payload);

// The payload, once magic, format, length and checksum have passed. kCorruption for damage;
// kNotSupported for a newer format, named.
Result<std::string> Unseal(const SealedKind& kind, std::string_view file);

// ReadFile + Unseal, with the path in errors. kNotFound if absent.
Result<std::string> ReadSealedFile(Fs& fs, const std::string& path, const SealedKind& kind);
// Seal + WriteFileAtomic.
Status WriteSealedFile(Fs& fs, const std::string& path, const SealedKind& kind, std::string_view payload);

}  // namespace rawkv
