#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "engine/api/write_batch.h"

namespace rawkv {

// A value by its recipe: `bytes` bytes made from `seed`, the first eight being the seed itself (little
// endian). Any part of it can be made again at once, so that a model of thousands of versions keeps no
// values.
struct ValueRecipe {
  uint64_t seed = 0;
  uint64_t bytes = 0;
  friend bool operator==(const ValueRecipe&, const ValueRecipe&) = default;
};
std::string MakeValue(const ValueRecipe& recipe);
// The seed of a value of at least eight bytes.
uint64_t SeedOf(std::string_view value);
// "" if `actual` is the value's bytes [offset, offset + actual.size()), else what differs and where.
std::string DiffPart(const ValueRecipe& expected, uint64_t offset, std::string_view actual);
// The same for the whole value.
std::string DiffValue(const ValueRecipe& expected, std::string_view actual);

struct ModelOp {
  enum class Kind : uint8_t { kPut, kDelete, kDeleteRange, kDeletePrefix };
  Kind kind = Kind::kPut;
  std::string key;      // kDeleteRange: begin; kDeletePrefix: the prefix
  std::string end_key;  // kDeleteRange; "" = to the last key
  ValueRecipe value;    // kPut
};

// The operations of one version.
struct ModelBatch {
  std::vector<ModelOp> ops;
  std::string metadata;

  // Every second put borrows its value from `values`, which must outlive the Commit.
  WriteBatch ToWriteBatch(std::list<std::string>* values) const;
};

struct ModelEntry {
  ValueRecipe value;
  Version written_by;
  friend bool operator==(const ModelEntry&, const ModelEntry&) = default;
};
using ModelState = std::map<std::string, ModelEntry, std::less<>>;

// Every version of a store, in memory: what each must hold, whatever the store has kept of it. A rollback
// forgets the versions that it drops; otherwise only ForgetBelow forgets anything.
class Model {
 public:
  explicit Model(Version initial) : initial_(initial), tip_(initial) {}

  Version initial() const { return initial_; }
  Version tip() const { return tip_; }

  Version Commit(const ModelBatch& batch);  // the version made
  void RollBackTo(Version target);
  // Forgets the versions below `floor`: they can no longer be asked for.
  void ForgetBelow(Version floor);
  // Makes `state` the content of `version`, which is above the tip and becomes the tip. What the versions in
  // between hold is not known.
  void Adopt(Version version, const ModelState& state);

  ModelState At(Version version) const;
  std::optional<ModelEntry> Find(Version version, std::string_view key) const;
  // Of a version above the initial one that is known: made by Commit and not forgotten.
  const std::string& metadata(Version version) const;
  bool Knows(Version version) const { return metadata_.contains(version); }

  // A value that was overwritten or deleted: needed by the versions [born, freed). Values that no version
  // ever showed (put twice in one batch) are not among them.
  struct Death {
    ValueRecipe value;
    Version born;
    Version freed;
  };
  std::vector<Death> Deaths() const;

 private:
  struct Change {
    Version version;
    std::optional<ValueRecipe> value;  // absent: deleted
  };
  void Set(const std::string& key, std::optional<ValueRecipe> value, Version version);
  void DeleteIf(const std::function<bool(std::string_view)>& matches, Version version);
  static const Change* Newest(const std::vector<Change>& changes, Version version);

  Version initial_;
  Version tip_;
  std::map<std::string, std::vector<Change>, std::less<>> history_;  // ascending versions
  std::map<Version, std::string> metadata_;
};

// The random numbers of a test, and the words a test needs them in.
class Rng {
 public:
  explicit Rng(uint64_t seed) : engine_(seed) {}
  uint64_t Next() { return engine_(); }
  uint64_t Below(uint64_t n) { return engine_() % n; }
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  template <typename Container>
  auto& Pick(Container& from) {
    return from[Below(from.size())];
  }

 private:
  std::mt19937_64 engine_;
};

// RAWKV_TEST_SEED: a number, or "random"; without it `fixed`, so that a suite's run can be repeated.
// Printed with the test's name.
uint64_t TestSeed(uint64_t fixed);
// RAWKV_TEST_STEPS, or `usual`.
uint64_t TestSteps(uint64_t usual);

}  // namespace rawkv
