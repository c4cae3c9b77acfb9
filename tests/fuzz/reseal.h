#pragma once

#include <string>

#include "base/bytes.h"

// Makes the checksums and lengths of damaged bytes right again, so that fuzzing gets to what lies behind
// them. Offsets are those of docs/formats, written out a second time on purpose: a format that changes
// without its page is noticed. All take anything.
namespace rawkv::fuzz {

std::string ResealFile(ConstBytes file);           // sealed-file.md: length, checksum
std::string ResealSuperblock(ConstBytes block);    // superblock.md: size, checksum
std::string ResealExtentHeader(ConstBytes bytes);  // extent-header.md: checksum
// wal.md: the segment header's checksum, then each frame's place, predecessor and checksums, as far as
// frames follow one another.
std::string ResealSegment(ConstBytes file);

}  // namespace rawkv::fuzz
