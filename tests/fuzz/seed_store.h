#pragma once

#include "tests/fuzz/seeds.h"

namespace rawkv::fuzz {

// What real stores leave on disk; seeds.cc adds what no store writes yet, and what people type.
void AddStoreSeeds(Seeds& seeds);

}  // namespace rawkv::fuzz
