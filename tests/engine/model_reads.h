#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "tests/support/model.h"

namespace rawkv {

// A version of a store and its expected content.
struct ReadSubject {
  Engine& engine;
  std::shared_ptr<const ReadView> view;  // null: the tip
  ModelState state;
};

// Walks all keys and reads every value. Differences fail the GoogleTest test.
void CheckWhole(const ReadSubject& subject);
// Reads one key of `keys`, which may be absent, with every kind of single read.
void CheckOneKey(const ReadSubject& subject, const std::vector<std::string>& keys, Rng& rng);
void CheckMultiGet(const ReadSubject& subject, const std::vector<std::string>& keys, Rng& rng);
// Moves an iterator with random bounds and prefix at random.
void CheckWalk(const ReadSubject& subject, const std::vector<std::string>& keys, Rng& rng);

}  // namespace rawkv
