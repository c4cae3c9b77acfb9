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

// The recipe of a value: `bytes` bytes made from `seed`. The first eight bytes are the seed itself (little
// endian). Any part can be made again at once, so that a model of thousands of versions stores no values.
struct ValueRecipe {
  uint64_t seed = 0;
  uint64_t bytes = 0;
  friend bool operator==(const ValueRecipe&, const ValueRecipe&) = default;
};
std::string MakeValue(const ValueRecipe& recipe);
// The seed of a value of at least eight bytes.
uint64_t SeedOf(std::string_view value);
// Returns "" if `actual` equals the value's bytes [offset, offset + actual.size()), otherwise the place of
// the difference.
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

// The expected content of every version of a store, in memory, independent of what the store retains. A
// rollback forgets the dropped versions; otherwise only ForgetBelow forgets versions.
class Model {
 public:
  explicit Model(Version initial) : initial_(initial), tip_(initial) {}

  Version initial() const { return initial_; }
  Version tip() const { return tip_; }

  Version Commit(const ModelBatch& batch);  // returns the new version
  void RollBackTo(Version target);
  // Forgets the versions below `floor`: the caller may no longer ask for them.
  void ForgetBelow(Version floor);
  // Makes `state` the content of `version`, which must be above the tip and becomes the tip. The content of
  // the versions in between is unknown.
  void Adopt(Version version, const ModelState& state);

  ModelState At(Version version) const;
  std::optional<ModelEntry> Find(Version version, std::string_view key) const;
  // The metadata of a version above the initial one that Commit made and nothing has forgotten.
  const std::string& metadata(Version version) const;
  bool Knows(Version version) const { return metadata_.contains(version); }

  // A value that was overwritten or deleted. The versions [born, freed) need it. Values that no version ever
  // showed (overwritten in their own batch) are not included.
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

// The random numbers of a test.
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

// The seed of a test: RAWKV_TEST_SEED (a number or "random"), or `fixed`, so that every run of the suite is
// equal. Prints the seed with the test's name.
uint64_t TestSeed(uint64_t fixed);
// RAWKV_TEST_STEPS, or `usual`.
uint64_t TestSteps(uint64_t usual);

}  // namespace rawkv
