#pragma once

#include <string_view>

#include "base/export.h"

namespace rawkv {

// The operating system refuses a call for a reason that lies outside the file: permission, descriptors,
// memory, a file server that does not answer. Such an error proves nothing about the bytes on disk.
// EIO is no refusal: the medium was asked, and failed.

// What the operator can do about a refusal by `error`. Empty if `error` is no refusal.
RAWKV_EXPORT std::string_view RefusalAdvice(int error);

// The same for the message of a library that reports errno only as text (": Permission denied").
RAWKV_EXPORT std::string_view RefusalAdviceIn(std::string_view message);

}  // namespace rawkv
