#pragma once

#include <string>
#include <string_view>

namespace rawkv::ctl {

// Escapes text for roff, the language of manual pages. A line that begins with a dot or a quote would be a
// request.
std::string Roff(std::string_view text);

}  // namespace rawkv::ctl
