#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fs.h"

namespace rawkv {

// The frame of every small metadata file (STORE, PINS, MANIFEST, BASE, ROLLBACK, LEASE, export manifest):
// magic[8], format u32, payload length u32, XXH3-64 of those 16 bytes and the payload, payload. Layout:
// docs/formats/sealed-file.md.
struct SealedKind {
  std::string_view magic;  // exactly 8 characters
  uint32_t format;         // newest format that this build reads; Seal writes it
  std::string_view name;   // for messages: "STORE"
  uint64_t max_payload_bytes = 16ull << 20;
};

inline constexpr uint64_t kSealedHeaderBytes = 24;

std::string Seal(const SealedKind& kind, std::string_view payload);

// Checks magic, format, length and checksum, and returns the payload. kCorruption for damage; kNotSupported
// with the format's number for a newer format.
Result<std::string> Unseal(const SealedKind& kind, std::string_view file);

// Reads and unseals the file; errors name the path. kNotFound if the file is absent.
Result<std::string> ReadSealedFile(Fs& fs, const std::string& path, const SealedKind& kind);
// Seals the payload and writes it by WriteFileAtomic.
Status WriteSealedFile(Fs& fs, const std::string& path, const SealedKind& kind, std::string_view payload);

}  // namespace rawkv
