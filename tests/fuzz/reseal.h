#pragma once

#include <string>

#include "base/bytes.h"

// Recomputes the checksums and lengths of damaged bytes, so that the fuzzer reaches the decoders after those
// checks. The offsets repeat those of docs/formats on purpose, so that the tests detect a format that changes
// without its page. All functions accept any input.
namespace rawkv::fuzz {

std::string ResealFile(ConstBytes file);           // sealed-file.md: length, checksum
std::string ResealSuperblock(ConstBytes block);    // superblock.md: size, checksum
std::string ResealExtentHeader(ConstBytes bytes);  // extent-header.md: checksum
// wal.md: the segment header's checksum, then the offset, predecessor and checksums of each frame, as long as
// frames follow each other.
std::string ResealSegment(ConstBytes file);

}  // namespace rawkv::fuzz
