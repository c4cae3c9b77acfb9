// The process of cache_kill_test.cc: puts and deletes in the cache of a directory until it is killed. Each
// time that it has stored and pinned the next object "kept<N>", it writes a '+'.

#include <unistd.h>

#include <cstdio>
#include <random>

#include "engine/cache/object_cache.h"
#include "tests/engine/cache/kill_options.h"
#include "tests/engine/cache/object_values.h"

namespace rawkv {
namespace {

// The first answer of an operation; the process ends where there is none.
ObjectAnswer Await(ObjectSession& session, const Result<uint64_t>& id) {
  ObjectCompletion done;
  while (id.ok() && session.Drain(std::span(&done, 1)) == 0) (void)session.Wait(-1);
  if (id.ok() && done.status.ok()) return done.answers[0];
  std::fprintf(stderr, "%s\n", (id.ok() ? done.status : id.status()).ToString().c_str());
  std::exit(1);
}

int Run(const std::string& directory) {
  const auto cache = ObjectCache::Open(KillOptions(directory));
  if (!cache.ok()) return 1;
  const auto session = (*cache)->OpenSession("victim");
  if (!session.ok()) return 1;
  std::mt19937_64 random(static_cast<uint64_t>(::getpid()));
  for (uint64_t step = 0;; ++step) {
    std::vector<std::string> keys, values;
    for (int i = 0; i < 4; ++i) {
      keys.push_back("key" + std::to_string(random() % 400));
      values.push_back(ValueOf(keys.back(), random(), kKillSlot * (1 + random() % 6) - random() % 500));
    }
    std::vector<ObjectPut> puts;
    for (size_t i = 0; i < keys.size(); ++i) {
      puts.push_back({keys[i], AsBytes(values[i]), random() % 3 == 0 ? 1'000'000'000 : 0});
    }
    Await(**session, (*session)->SubmitPut(puts));
    const std::string gone = "key" + std::to_string(random() % 400);
    const std::string_view name = gone;
    Await(**session, (*session)->SubmitDelete(std::span(&name, 1)));
    if (step % 50 != 0) continue;
    const std::string kept = "kept" + std::to_string(step / 50), value = ValueOf(kept, 0, kKillSlot);
    const ObjectPut put{.key = kept, .value = AsBytes(value)};
    Await(**session, (*session)->SubmitPut(std::span(&put, 1)));
    const Result<bool> pinned = (*session)->Pin(kept);
    if (!pinned.ok() || !*pinned || ::write(STDOUT_FILENO, "+", 1) != 1) return 1;
  }
}

}  // namespace
}  // namespace rawkv

int main(int argc, char** argv) {
  return argc == 2 ? rawkv::Run(argv[1]) : 2;
}
