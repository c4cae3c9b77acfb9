#pragma once

#include <string>

#include "base/bytes.h"

namespace rawkv::quickstart {

// The id that git gives to a blob of this content, in hex: the hash of "blob <length>\0" and the
// bytes. `hash_name`: "sha1" or "sha256". Computed here, so that comparing it with what `git ls-tree`
// says checks every byte of a value without asking for the bytes.
std::string GitBlobId(const std::string& hash_name, ConstBytes content);

}  // namespace rawkv::quickstart
