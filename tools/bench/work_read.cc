#include <algorithm>

#include "tools/bench/files.h"
#include "tools/bench/work.h"

namespace rawkv::bench {

double Seconds(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

void SetOperations(const Tally& tally, Clock::duration spent, Sample* sample) {
  (*sample)["throughput"] = static_cast<double>(tally.operations) / Seconds(spent);
  (*sample)["p50"] = tally.latencies.Microseconds(0.5);
  (*sample)["p99"] = tally.latencies.Microseconds(0.99);
}

Status Cool(Subject& subject, Access access) {
  RAWKV_RETURN_IF_ERROR(subject.peer->Close());
  RAWKV_RETURN_IF_ERROR(DropFromPageCache(subject.options.dir));
  return subject.peer->Open(access);
}

Status ReadRandom(const Case& which, Subject& subject, Random& random, Sample* sample) {
  // Small values share pages. Only so many reads of them are made that few pages are read again.
  constexpr uint64_t kBytesOfARead = 8192;
  RAWKV_RETURN_IF_ERROR(Cool(subject, Access::kRandom));
  std::vector<uint64_t> keys = Shuffled(subject.keys, random);
  const uint64_t reads = std::max<uint64_t>(which.depth, keys.size() * which.value_bytes / kBytesOfARead);
  keys.resize(std::min<uint64_t>(keys.size(), reads));
  const auto begin = Clock::now();
  ReadWork work({.keys = std::move(keys), .end = begin + which.slice, .value_bytes = which.value_bytes});
  Tally tally;
  RAWKV_RETURN_IF_ERROR(subject.peer->ReadAtDepth(work, which.depth, &tally));
  SetOperations(tally, Clock::now() - begin, sample);
  return Status::Ok();
}

Status ReadHot(const Case& which, Subject& subject, Random& random, Sample* sample) {
  constexpr uint64_t kHotBytes = 16ull << 20;  // a quarter of the cache memory
  constexpr uint64_t kHotKeys = 1 << 14;
  const uint64_t fit = std::max<uint64_t>(1, kHotBytes / which.value_bytes);
  const std::vector<uint64_t> keys = Shuffled(std::min({subject.keys.load(), fit, kHotKeys}), random);
  const auto read = [&](uint64_t depth, bool repeat, Clock::time_point end, Tally* tally) {
    ReadWork work({.keys = keys, .repeat = repeat, .end = end, .value_bytes = which.value_bytes});
    return subject.peer->Peer::ReadAtDepth(work, depth, tally);  // one thread for each
  };
  Tally warm, tally;
  RAWKV_RETURN_IF_ERROR(read(1, false, Clock::time_point::max(), &warm));
  const auto begin = Clock::now();
  RAWKV_RETURN_IF_ERROR(read(which.depth, true, begin + which.slice, &tally));
  SetOperations(tally, Clock::now() - begin, sample);
  return Status::Ok();
}

Status MultiGet(const Case& which, Subject& subject, Random& random, Sample* sample) {
  RAWKV_RETURN_IF_ERROR(Cool(subject, Access::kRandom));
  const std::vector<uint64_t> numbers = Shuffled(subject.keys, random);
  const uint64_t keys_a_call = std::min<uint64_t>(which.depth, numbers.size());
  const auto check = [&](std::string_view key, ConstBytes value) {
    return CheckPages(NumberOf(key), which.value_bytes, value);
  };
  Tally tally;
  const auto begin = Clock::now();
  for (size_t at = 0; at + keys_a_call <= numbers.size(); at += keys_a_call) {
    std::vector<std::string> names;
    for (size_t i = 0; i < keys_a_call; ++i) names.push_back(KeyOf(numbers[at + i]));
    const std::vector<std::string_view> keys(names.begin(), names.end());
    const auto called = Clock::now();
    RAWKV_RETURN_IF_ERROR(subject.peer->MultiGet(keys, check));
    tally.Add(Clock::now() - called, keys_a_call * which.value_bytes);
    if (Clock::now() >= begin + which.slice) break;
  }
  SetOperations(tally, Clock::now() - begin, sample);
  (*sample)["throughput"] *= static_cast<double>(keys_a_call);
  return Status::Ok();
}

Status Scan(const Case& which, Subject& subject, Random&, Sample* sample) {
  RAWKV_RETURN_IF_ERROR(Cool(subject, Access::kSequential));
  uint64_t number = 0;
  const auto check = [&](std::string_view key, ConstBytes value) {
    if (NumberOf(key) != number) return Status::Corruption("the scan misses " + KeyOf(number));
    return CheckPages(number++, which.value_bytes, value);
  };
  const auto begin = Clock::now();
  RAWKV_RETURN_IF_ERROR(subject.peer->Scan("", subject.keys, check));
  const double mebibytes = static_cast<double>(number * which.value_bytes) / (1 << 20);
  (*sample)["rate"] = mebibytes / Seconds(Clock::now() - begin);
  return Status::Ok();
}

}  // namespace rawkv::bench
