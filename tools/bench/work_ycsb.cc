#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/mutex.h"
#include "tools/bench/work.h"

namespace rawkv::bench {
namespace {

// One of YCSB's core workloads, in percent of the operations; the rest are scans.
struct Mix {
  char letter;
  uint64_t read, update, insert, modify;  // modify: read, then write
  bool latest = false;                    // new keys are the popular ones
};
constexpr std::array<Mix, 6> kMixes = {{{'a', 50, 50, 0, 0},
                                        {'b', 95, 5, 0, 0},
                                        {'c', 100, 0, 0, 0},
                                        {'d', 95, 0, 5, 0, true},
                                        {'e', 0, 0, 5, 0},
                                        {'f', 50, 0, 0, 50}}};
constexpr uint64_t kScanMax = 100;  // entries; the length of each scan is chosen evenly

class Client {
 public:
  Client(const Mix& mix, Subject& subject, const Zipfian& zipfian, Mutex& insert_mu, uint64_t seed)
      : mix_(mix), subject_(subject), zipfian_(zipfian), insert_mu_(insert_mu), random_(seed) {}

  Status Run(Clock::time_point end, Tally* tally) {
    RAWKV_ASSIGN_OR_RETURN(reader_, subject_.peer->NewReader());
    do {
      const auto begin = Clock::now();
      RAWKV_RETURN_IF_ERROR(Operate());
      tally->Add(Clock::now() - begin, 0);
    } while (Clock::now() < end);
    return Status::Ok();
  }

 private:
  Status Operate() {
    uint64_t dice = random_() % 100;
    const auto chosen = [&dice](uint64_t percent) {
      if (dice < percent) return true;
      dice -= percent;
      return false;
    };
    if (chosen(mix_.read)) return Read(Choose());
    if (chosen(mix_.update)) return Write(Choose());
    if (chosen(mix_.insert)) return Insert();
    const uint64_t number = Choose();
    if (!chosen(mix_.modify)) return ScanFrom(number);
    RAWKV_RETURN_IF_ERROR(Read(number));
    return Write(number);
  }

  uint64_t Choose() {
    if (!mix_.latest) return zipfian_.Scattered(random_);
    return subject_.keys - 1 - zipfian_.Rank(random_);
  }
  Status Read(uint64_t number) {
    RAWKV_ASSIGN_OR_RETURN(const ConstBytes value, reader_->Get(KeyOf(number)));
    return CheckPages(number, subject_.options.value_bytes, value);
  }
  Status Write(uint64_t number) { return CommitKeys(subject_, {&number, 1}, CommitMode::kUnsynced); }
  // A key counts only once it is there, so that no reader asks for a missing one.
  Status Insert() {
    const MutexLock lock(insert_mu_);
    RAWKV_RETURN_IF_ERROR(Write(subject_.keys));
    ++subject_.keys;
    return Status::Ok();
  }
  Status ScanFrom(uint64_t number) {
    return subject_.peer->Scan(KeyOf(number), 1 + random_() % kScanMax,
                               [&](std::string_view key, ConstBytes value) {
                                 return CheckPages(NumberOf(key), subject_.options.value_bytes, value);
                               });
  }

  const Mix& mix_;
  Subject& subject_;
  const Zipfian& zipfian_;
  Mutex& insert_mu_;
  Random random_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace

Status Ycsb(const Case& which, Subject& subject, Random& random, Sample* sample) {
  const auto mix = std::find_if(kMixes.begin(), kMixes.end(),
                                [&](const Mix& each) { return each.letter == which.workload->name.back(); });
  RAWKV_CHECK(mix != kMixes.end(), "the name of each YCSB workload ends with its letter");
  const Zipfian zipfian(subject.keys);
  Mutex insert_mu;
  std::vector<uint64_t> seeds(which.depth);
  std::generate(seeds.begin(), seeds.end(), std::ref(random));
  std::vector<Tally> tallies(which.depth);
  const auto begin = Clock::now();
  RAWKV_RETURN_IF_ERROR(RunOnThreads(which.depth, [&](uint64_t client) {
    return Client(*mix, subject, zipfian, insert_mu, seeds[client])
        .Run(begin + which.slice, &tallies[client]);
  }));
  const auto spent = Clock::now() - begin;
  RAWKV_RETURN_IF_ERROR(subject.peer->Sync());
  Tally tally;
  for (const Tally& each : tallies) tally.Merge(each);
  SetOperations(tally, spent, sample);
  return Status::Ok();
}

}  // namespace rawkv::bench
