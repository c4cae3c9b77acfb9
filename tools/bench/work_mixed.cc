#include <algorithm>
#include <atomic>

#include "base/mutex.h"
#include "tools/bench/work.h"

namespace rawkv::bench {
namespace {

// The end of the work of several threads: a time, or the first error.
class SharedEnd {
 public:
  explicit SharedEnd(Clock::time_point end) : end_(end) {}
  bool reached() const { return failed_ || Clock::now() >= end_; }
  // Waits until `time`. False: the end came first.
  bool WaitUntil(Clock::time_point time) {
    const MutexLock lock(mu_);
    while (!reached() && Clock::now() < time) {
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(std::min(time, end_) - Clock::now());
      failed_cv_.WaitForMs(mu_, std::max<int64_t>(1, rest.count()));
    }
    return !reached();
  }
  // Returns the status of a thread's work; an error is the end for all of them.
  Status Pass(Status status) {
    const MutexLock lock(mu_);
    if (!status.ok()) failed_ = true;
    failed_cv_.NotifyAll();
    return status;
  }

 private:
  const Clock::time_point end_;
  std::atomic<bool> failed_{false};
  Mutex mu_;
  CondVar failed_cv_;
};

}  // namespace

// A commit overlaps a snapshot if one was under way when it began or ended.
Status SnapshotStall(const Case& which, Subject& subject, Random& random, Sample* sample) {
  const int snapshots = which.quick ? 3 : 20;
  const uint64_t commits_between = which.quick ? 20 : 200;
  std::atomic<bool> under_way{false}, done{false};
  std::atomic<uint64_t> commits{0};
  Tally during, alone, of_snapshots;
  const auto commit = [&]() -> Status {
    Status status;
    while (status.ok() && !done) {
      const bool before = under_way;
      const auto begin = Clock::now();
      status = CommitOne(subject, CommitMode::kDurable, random);
      (before || under_way ? during : alone).Add(Clock::now() - begin, which.value_bytes);
      ++commits;
      commits.notify_one();
    }
    done = true;  // also after an error, for the other thread
    return status;
  };
  const auto make_snapshots = [&]() -> Status {
    Status status;
    for (int i = 0; i < snapshots && status.ok() && !done; ++i) {
      const uint64_t goal = commits + commits_between;
      for (uint64_t seen = commits; seen < goal && !done; seen = commits) commits.wait(seen);
      under_way = true;
      const auto begin = Clock::now();
      status = subject.peer->Snapshot();
      of_snapshots.Add(Clock::now() - begin, 0);
      under_way = false;
    }
    done = true;
    return status;
  };
  RAWKV_RETURN_IF_ERROR(
      RunOnThreads(2, [&](uint64_t thread) { return thread == 0 ? make_snapshots() : commit(); }));
  if (during.operations == 0) return Status::Internal("no commit overlapped a snapshot");
  (*sample)["max-during"] = during.latencies.MaxMicroseconds();
  (*sample)["p50-during"] = during.latencies.Microseconds(0.5);
  (*sample)["p50-alone"] = alone.latencies.Microseconds(0.5);
  (*sample)["snapshot"] = of_snapshots.latencies.Microseconds(0.5);
  return Status::Ok();
}

Status MixedLoad(const Case& which, Subject& subject, Random& random, Sample* sample) {
  constexpr int kSnapshots = 3;
  const Clock::duration between = which.slice * 3;
  const auto begin_of_all = Clock::now();
  SharedEnd end(begin_of_all + between * (kSnapshots + 1));
  Random writer_random(random()), reader_random(random());
  Tally commits, reads;
  const auto commit = [&]() -> Status {
    while (!end.reached()) {
      const auto begin = Clock::now();
      RAWKV_RETURN_IF_ERROR(CommitOne(subject, CommitMode::kDurable, writer_random));
      commits.Add(Clock::now() - begin, which.value_bytes);
    }
    return Status::Ok();
  };
  const auto read = [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const auto reader, subject.peer->NewReader());
    while (!end.reached()) {
      const uint64_t number = reader_random() % subject.keys;
      const auto begin = Clock::now();
      RAWKV_ASSIGN_OR_RETURN(const ConstBytes value, reader->Get(KeyOf(number)));
      RAWKV_RETURN_IF_ERROR(CheckPages(number, which.value_bytes, value));
      reads.Add(Clock::now() - begin, which.value_bytes);
    }
    return Status::Ok();
  };
  const auto make_snapshots = [&]() -> Status {
    for (int i = 1; i <= kSnapshots && end.WaitUntil(begin_of_all + between * i); ++i) {
      RAWKV_RETURN_IF_ERROR(subject.peer->Snapshot());
    }
    return Status::Ok();
  };
  RAWKV_RETURN_IF_ERROR(RunOnThreads(3, [&](uint64_t thread) {
    return end.Pass(thread == 0 ? make_snapshots() : thread == 1 ? commit() : read());
  }));
  const double seconds = Seconds(Clock::now() - begin_of_all);
  (*sample)["commits"] = static_cast<double>(commits.operations) / seconds;
  (*sample)["commit-p99.9"] = commits.latencies.Microseconds(0.999);
  (*sample)["commit-max"] = commits.latencies.MaxMicroseconds();
  (*sample)["reads"] = static_cast<double>(reads.operations) / seconds;
  (*sample)["read-p99.9"] = reads.latencies.Microseconds(0.999);
  (*sample)["read-max"] = reads.latencies.MaxMicroseconds();
  return Status::Ok();
}

}  // namespace rawkv::bench
