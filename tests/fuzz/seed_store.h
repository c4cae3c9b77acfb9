#pragma once

#include "tests/fuzz/seeds.h"

namespace rawkv::fuzz {

// Adds files and records of real stores. seeds.cc adds those that no engine writes yet, and texts that users
// type.
void AddStoreSeeds(Seeds& seeds);

}  // namespace rawkv::fuzz
