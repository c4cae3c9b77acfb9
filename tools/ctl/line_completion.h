#pragma once

#include <string>
#include <vector>

namespace rawkv::ctl {

// The words of a line before the cursor, and the begin of the word at the cursor.
struct LineAtCursor {
  std::vector<std::string> before;
  std::string current;
};

// What may stand in place of `current`: commands, flags ("--version=", "--json") and the values of a flag or
// an argument that is one of several words. Keys are not among them.
std::vector<std::string> CompleteWords(const LineAtCursor& line);

// Whether the word at the cursor may be a key.
bool TakesKey(const LineAtCursor& line);

}  // namespace rawkv::ctl
