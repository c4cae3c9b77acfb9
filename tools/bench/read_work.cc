#include "tools/bench/read_work.h"

#include <thread>

#include "tools/bench/values.h"

namespace rawkv::bench {

std::optional<uint64_t> ReadWork::Next() {
  const uint64_t at = taken_.fetch_add(1, std::memory_order_relaxed);
  if (at >= plan_.keys.size() && !plan_.repeat) return std::nullopt;
  // The clock takes as long as a part of the quickest reads.
  constexpr uint64_t kReadsBetweenLooks = 8;
  if (at > 0 && at % kReadsBetweenLooks == 0 && Clock::now() >= plan_.end) return std::nullopt;
  return plan_.keys[at % plan_.keys.size()];
}

Status ReadWork::Check(uint64_t number, ConstBytes value) const {
  return CheckPages(number, plan_.value_bytes, value);
}

Status RunOnThreads(uint64_t threads, const std::function<Status(uint64_t thread)>& work) {
  std::vector<Status> statuses(threads);
  {
    std::vector<std::jthread> others;
    for (uint64_t t = 1; t < threads; ++t) others.emplace_back([&, t] { statuses[t] = work(t); });
    statuses[0] = work(0);
  }
  for (const Status& status : statuses) RAWKV_RETURN_IF_ERROR(status);
  return Status::Ok();
}

}  // namespace rawkv::bench
