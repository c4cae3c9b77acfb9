#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/commit/commit_prepare.h"
#include "engine/index/key_index.h"

namespace rawkv {

// Decides the conditional puts of the commits of one round, in their order: a put whose key exists at its
// turn is left out (WriteBatch::PutIfAbsent). A key exists if an earlier operation of the round put it, or if
// it is in the index and no earlier operation of the round deleted it.
//
// Sets `existed` and `filtered` of each commit, and forgets what an earlier decision set there. The caller
// holds the right to write the index. After an error nothing may be committed. May throw.
Status DecideConditions(std::span<PreparedCommit* const> round, KeyIndex& index);

}  // namespace rawkv
