#include "tests/stress/tally.h"

#include <cstdio>

namespace rawkv::stress {

void Tally::Count(const std::string& operation, StatusCode code) {
  MutexLock lock(mu_);
  ++counts_[operation][code];
  ++total_;
}

std::string Tally::Describe() const {
  MutexLock lock(mu_);
  std::string out;
  for (const auto& [operation, by_status] : counts_) {
    uint64_t all = 0;
    std::string refused;
    for (const auto& [code, count] : by_status) {
      all += count;
      if (code == StatusCode::kOk) continue;
      refused +=
          (refused.empty() ? " (" : ", ") + std::string(StatusCodeName(code)) + " " + std::to_string(count);
    }
    out += (out.empty() ? "" : ", ") + operation + " " + std::to_string(all) + refused +
           (refused.empty() ? "" : ")");
  }
  return out;
}

uint64_t Tally::total() const {
  MutexLock lock(mu_);
  return total_;
}

void Violations::Add(const std::string& what) {
  ++count_;
  MutexLock lock(mu_);
  std::printf("VIOLATION: %s (%s)\n", what.c_str(), run_.c_str());
  std::fflush(stdout);
}

}  // namespace rawkv::stress
