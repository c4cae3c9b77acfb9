#pragma once

#include <string>

namespace rawkv::ctl {

// The manual page rawkv-ctl(1) for man(1), generated from the table of commands and the list of flags.
std::string ManPage();

}  // namespace rawkv::ctl
