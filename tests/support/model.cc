#include "tests/support/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tests/support/split_mix.h"

namespace rawkv {
namespace {

// The word at `index` of a value. Word 0 is the seed; the others come from SplitMix64's output function, so
// that neighbouring values differ strongly.
uint64_t WordAt(uint64_t seed, uint64_t index) {
  if (index == 0) return seed;
  return Mix(seed, index);
}

std::string MakePart(uint64_t seed, uint64_t offset, uint64_t bytes) {
  std::string out(bytes, '\0');
  uint64_t done = 0;
  while (done < bytes) {
    const uint64_t word = WordAt(seed, (offset + done) / 8);
    const uint64_t skip = (offset + done) % 8;
    const uint64_t n = std::min(8 - skip, bytes - done);
    std::memcpy(out.data() + done, reinterpret_cast<const char*>(&word) + skip, n);
    done += n;
  }
  return out;
}

}  // namespace

std::string MakeValue(const ValueRecipe& recipe) {
  return MakePart(recipe.seed, 0, recipe.bytes);
}

uint64_t SeedOf(std::string_view value) {
  uint64_t seed = 0;
  std::memcpy(&seed, value.data(), sizeof(seed));
  return seed;
}

std::string DiffPart(const ValueRecipe& expected, uint64_t offset, std::string_view actual) {
  const std::string wanted = MakePart(expected.seed, offset, actual.size());
  if (wanted == actual) return "";
  const auto at = std::mismatch(wanted.begin(), wanted.end(), actual.begin()).first - wanted.begin();
  return "byte " + std::to_string(offset + static_cast<uint64_t>(at)) + " of " +
         std::to_string(expected.bytes) + " differs";
}

std::string DiffValue(const ValueRecipe& expected, std::string_view actual) {
  if (actual.size() != expected.bytes) {
    return std::to_string(actual.size()) + " bytes instead of " + std::to_string(expected.bytes);
  }
  return DiffPart(expected, 0, actual);
}

WriteBatch ModelBatch::ToWriteBatch(std::list<std::string>* values) const {
  WriteBatch out;
  bool borrow = false;
  for (const ModelOp& op : ops) {
    switch (op.kind) {
      case ModelOp::Kind::kPut:
        values->push_back(MakeValue(op.value));
        if (borrow) {
          out.PutBorrowed(op.key, AsBytes(values->back()));
        } else {
          out.Put(op.key, values->back());
        }
        borrow = !borrow;
        break;
      case ModelOp::Kind::kDelete:
        out.Delete(op.key);
        break;
      case ModelOp::Kind::kDeleteRange:
        out.DeleteRange(op.key, op.end_key);
        break;
      case ModelOp::Kind::kDeletePrefix:
        out.DeletePrefix(op.key);
        break;
    }
  }
  if (!metadata.empty()) out.SetMetadata(metadata);
  return out;
}

const Model::Change* Model::Newest(const std::vector<Change>& changes, Version version) {
  const auto above = std::upper_bound(changes.begin(), changes.end(), version,
                                      [](Version v, const Change& change) { return v < change.version; });
  return above == changes.begin() ? nullptr : &*std::prev(above);
}

void Model::Set(const std::string& key, std::optional<ValueRecipe> value, Version version) {
  std::vector<Change>& changes = history_[key];  // a key that was never written has an empty history
  if (!changes.empty() && changes.back().version == version) changes.pop_back();
  const bool absent = changes.empty() || !changes.back().value;
  if (absent && !value) return;
  changes.push_back({version, value});
}

void Model::DeleteIf(const std::function<bool(std::string_view)>& matches, Version version) {
  for (auto it = history_.begin(); it != history_.end();) {
    const std::string& key = (it++)->first;
    if (matches(key)) Set(key, std::nullopt, version);
  }
}

Version Model::Commit(const ModelBatch& batch) {
  tip_ = Next(tip_);
  for (const ModelOp& op : batch.ops) {
    switch (op.kind) {
      case ModelOp::Kind::kPut:
        Set(op.key, op.value, tip_);
        break;
      case ModelOp::Kind::kDelete:
        Set(op.key, std::nullopt, tip_);
        break;
      case ModelOp::Kind::kDeleteRange:
        DeleteIf(
            [&](std::string_view key) { return key >= op.key && (op.end_key.empty() || key < op.end_key); },
            tip_);
        break;
      case ModelOp::Kind::kDeletePrefix:
        DeleteIf([&](std::string_view key) { return key.starts_with(op.key); }, tip_);
        break;
    }
  }
  metadata_[tip_] = batch.metadata;
  return tip_;
}

void Model::RollBackTo(Version target) {
  for (auto& [key, changes] : history_) {
    while (!changes.empty() && changes.back().version > target) changes.pop_back();
  }
  std::erase_if(history_, [](const auto& entry) { return entry.second.empty(); });
  metadata_.erase(metadata_.upper_bound(target), metadata_.end());
  tip_ = target;
}

void Model::ForgetBelow(Version floor) {
  for (auto& [key, changes] : history_) {
    const Change* newest = Newest(changes, floor);
    if (newest == nullptr) continue;
    const auto keep = newest - changes.data() + (newest->value ? 0 : 1);
    changes.erase(changes.begin(), changes.begin() + keep);
  }
  std::erase_if(history_, [](const auto& entry) { return entry.second.empty(); });
  metadata_.erase(metadata_.begin(), metadata_.lower_bound(floor));
}

void Model::Adopt(Version version, const ModelState& state) {
  for (const auto& [key, entry] : state) {
    if (Find(tip_, key) == entry) continue;
    std::vector<Change>& changes = history_[key];
    while (!changes.empty() && changes.back().version >= entry.written_by) changes.pop_back();
    changes.push_back({entry.written_by, entry.value});
  }
  tip_ = version;
  DeleteIf([&](std::string_view key) { return !state.contains(key); }, version);
}

ModelState Model::At(Version version) const {
  ModelState out;
  for (const auto& [key, changes] : history_) {
    const Change* newest = Newest(changes, version);
    if (newest != nullptr && newest->value) out[key] = {*newest->value, newest->version};
  }
  return out;
}

std::optional<ModelEntry> Model::Find(Version version, std::string_view key) const {
  const auto it = history_.find(key);
  const Change* newest = it == history_.end() ? nullptr : Newest(it->second, version);
  if (newest == nullptr || !newest->value) return std::nullopt;
  return ModelEntry{*newest->value, newest->version};
}

const std::string& Model::metadata(Version version) const {
  return metadata_.at(version);
}

std::vector<Model::Death> Model::Deaths() const {
  std::vector<Death> out;
  for (const auto& [key, changes] : history_) {
    for (size_t i = 1; i < changes.size(); ++i) {
      if (changes[i - 1].value)
        out.push_back({*changes[i - 1].value, changes[i - 1].version, changes[i].version});
    }
  }
  return out;
}

uint64_t TestSeed(uint64_t fixed) {
  const char* set = std::getenv("RAWKV_TEST_SEED");
  uint64_t seed = fixed;
  if (set != nullptr && *set != '\0') {
    seed = std::string_view(set) == "random" ? std::random_device{}() : std::strtoull(set, nullptr, 0);
  }
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  std::printf("[     seed ] %s.%s RAWKV_TEST_SEED=%llu\n", test->test_suite_name(), test->name(),
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  return seed;
}

uint64_t TestSteps(uint64_t usual) {
  const char* set = std::getenv("RAWKV_TEST_STEPS");
  return set != nullptr && *set != '\0' ? std::strtoull(set, nullptr, 0) : usual;
}

}  // namespace rawkv
