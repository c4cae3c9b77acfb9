#include "tools/torture/state.h"

#include "base/checksum.h"
#include "tools/torture/script.h"

namespace rawkv::torture {
namespace {

ValueSum SumOf(const std::string& value) {
  return {.bytes = value.size(), .hash = Xxh3(AsBytes(value))};
}

std::string Describe(const ValueSum& sum) {
  return std::to_string(sum.bytes) + " bytes of checksum " + ToHex(sum.hash);
}

}  // namespace

void ApplyScript(uint64_t nonce, State* state) {
  for (const ScriptStep& step : ScriptOf(nonce)) {
    switch (step.kind) {
      case ScriptStep::Kind::kPut:
        (*state)[step.key] = SumOf(MakeValue(step.value));
        break;
      case ScriptStep::Kind::kDelete:
        state->erase(step.key);
        break;
      case ScriptStep::Kind::kDeletePrefix:
        std::erase_if(*state, [&](const auto& entry) { return entry.first.starts_with(step.key); });
        break;
    }
  }
}

Result<State> ReadState(Engine& engine, const std::shared_ptr<const ReadView>& view) {
  RAWKV_ASSIGN_OR_RETURN(const auto it, engine.NewIterator({.view = view}));
  State out;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    RAWKV_ASSIGN_OR_RETURN(const std::string value, it->ReadValue());
    out.emplace(it->key(), SumOf(value));
  }
  RAWKV_RETURN_IF_ERROR(it->status());
  return out;
}

uint64_t DigestOf(const State& state) {
  uint64_t digest = state.size();
  for (const auto& [key, sum] : state) {
    digest = Xxh3(AsBytes(key), digest);
    digest = Xxh3(AsBytes(std::string_view(reinterpret_cast<const char*>(&sum), sizeof(sum))), digest);
  }
  return digest;
}

std::string Difference(const State& expected, const State& actual) {
  auto want = expected.begin();
  auto got = actual.begin();
  while (want != expected.end() || got != actual.end()) {
    if (got == actual.end() || (want != expected.end() && want->first < got->first))
      return want->first + " is missing";
    if (want == expected.end() || got->first < want->first) return got->first + " should not be there";
    if (got->second != want->second) {
      return want->first + " has " + Describe(got->second) + ", not " + Describe(want->second);
    }
    ++want;
    ++got;
  }
  return "";
}

}  // namespace rawkv::torture
