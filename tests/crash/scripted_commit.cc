#include "tests/crash/scripted_commit.h"

#include <functional>
#include <random>

namespace rawkv {
namespace {

std::string Bytes(uint64_t seed, uint64_t length) {
  std::mt19937_64 random(seed);
  std::string out(length, '\0');
  for (size_t i = 0; i < out.size(); i += 8) {
    const uint64_t word = random();
    for (size_t j = i; j < std::min(out.size(), i + 8); ++j)
      out[j] = static_cast<char>(word >> (8 * (j - i)));
  }
  return out;
}

struct Visitor {
  std::function<void(const std::string&, std::string)> put;
  std::function<void(const std::string&)> del;
};

void Walk(uint64_t nonce, const Visitor& visit) {
  std::mt19937_64 random(nonce);
  const uint64_t operations = 1 + random() % 5;
  for (uint64_t i = 0; i < operations; ++i) {
    const std::string key = "key" + std::to_string(random() % 40);
    const uint64_t kind = random() % 10;
    if (kind < 2) {
      visit.del(key);
    } else {
      const uint64_t length = kind < 6 ? random() % 900 : 1025 + random() % (kind == 9 ? 600'000 : 20'000);
      visit.put(key, Bytes(random(), length));
    }
  }
}

}  // namespace

WriteBatch ScriptedBatch(uint64_t nonce) {
  WriteBatch batch;
  Walk(nonce, {.put = [&](const std::string& k, std::string v) { batch.Put(k, v); },
               .del = [&](const std::string& k) { batch.Delete(k); }});
  return batch;
}

void ApplyScript(uint64_t nonce, KeyValues* state) {
  Walk(nonce, {.put = [&](const std::string& k, std::string v) { (*state)[k] = std::move(v); },
               .del = [&](const std::string& k) { state->erase(k); }});
}

}  // namespace rawkv
