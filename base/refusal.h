#pragma once

#include <string_view>

#include "base/export.h"

namespace rawkv {

// A refusal: the operating system rejects a call for a reason outside the file (permission, descriptors,
// memory, a file server that does not answer). Such an error proves nothing about the bytes on disk. EIO is
// not a refusal: the medium failed.

// The advice to the operator about a refusal by `error`. Empty if `error` is not a refusal.
RAWKV_EXPORT std::string_view RefusalAdvice(int error);

// The advice for a message of a library that reports errno only as text (": Permission denied").
RAWKV_EXPORT std::string_view RefusalAdviceIn(std::string_view message);

}  // namespace rawkv
