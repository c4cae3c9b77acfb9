#pragma once

#include <string>

// Completion scripts, generated from the table of commands and the list of flags. They complete commands,
// their flags, and the values of flags and arguments that are files, directories or one of several words.
namespace rawkv::ctl {

std::string BashCompletion();
std::string ZshCompletion();
std::string FishCompletion();

}  // namespace rawkv::ctl
