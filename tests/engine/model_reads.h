#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "tests/support/model.h"

namespace rawkv {

// A version of a store to be read, and what it must hold.
struct ReadSubject {
  Engine& engine;
  std::shared_ptr<const ReadView> view;  // null: the tip
  ModelState state;
};

// Walks all of it and reads every value. Failures are GoogleTest's.
void CheckWhole(const ReadSubject& subject);
// Single reads of one key of `keys` (there or not), in every form.
void CheckOneKey(const ReadSubject& subject, const std::vector<std::string>& keys, Rng& rng);
void CheckMultiGet(const ReadSubject& subject, const std::vector<std::string>& keys, Rng& rng);
// An iterator with random bounds and prefix, moved about at random.
void CheckWalk(const ReadSubject& subject, const std::vector<std::string>& keys, Rng& rng);

}  // namespace rawkv
