#include <atomic>
#include <condition_variable>
#include <mutex>

#include "tools/bench/work.h"

namespace rawkv::bench {

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
  (*sample)["max-during"] = during.latencies.MaxMicroseconds();
  (*sample)["p50-during"] = during.latencies.Microseconds(0.5);
  (*sample)["p50-alone"] = alone.latencies.Microseconds(0.5);
  (*sample)["snapshot"] = of_snapshots.latencies.Microseconds(0.5);
  return Status::Ok();
}

Status MixedLoad(const Case& which, Subject& subject, Random& random, Sample* sample) {
  constexpr int kSnapshots = 3;
  const Clock::duration between = which.slice * 3;
  const auto end = Clock::now() + between * (kSnapshots + 1);
  std::mutex mu;
  std::condition_variable failed_cv;
  bool failed = false;
  const auto fail = [&](Status status) {
    if (!status.ok()) {
      const std::scoped_lock lock(mu);
      failed = true;
      failed_cv.notify_all();
    }
    return status;
  };
  const auto running = [&] {
    const std::scoped_lock lock(mu);
    return !failed && Clock::now() < end;
  };
  Random writer_random(random()), reader_random(random());
  Tally commits, reads;
  const auto commit = [&]() -> Status {
    while (running()) {
      const auto begin = Clock::now();
      RAWKV_RETURN_IF_ERROR(CommitOne(subject, CommitMode::kDurable, writer_random));
      commits.Add(Clock::now() - begin, which.value_bytes);
    }
    return Status::Ok();
  };
  const auto read = [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const auto reader, subject.peer->NewReader());
    while (running()) {
      const uint64_t number = reader_random() % subject.keys;
      const auto begin = Clock::now();
      RAWKV_ASSIGN_OR_RETURN(const ConstBytes value, reader->Get(KeyOf(number)));
      RAWKV_RETURN_IF_ERROR(CheckPages(number, which.value_bytes, value));
      reads.Add(Clock::now() - begin, which.value_bytes);
    }
    return Status::Ok();
  };
  const auto make_snapshots = [&]() -> Status {
    for (auto next = Clock::now() + between; next < end; next += between) {
      {
        std::unique_lock lock(mu);
        if (failed_cv.wait_until(lock, next, [&] { return failed; })) return Status::Ok();
      }
      RAWKV_RETURN_IF_ERROR(subject.peer->Snapshot());
    }
    return Status::Ok();
  };
  RAWKV_RETURN_IF_ERROR(RunOnThreads(3, [&](uint64_t thread) {
    return fail(thread == 0 ? make_snapshots() : thread == 1 ? commit() : read());
  }));
  const double seconds = Seconds(between * (kSnapshots + 1));
  (*sample)["commits"] = static_cast<double>(commits.operations) / seconds;
  (*sample)["commit-p99.9"] = commits.latencies.Microseconds(0.999);
  (*sample)["commit-max"] = commits.latencies.MaxMicroseconds();
  (*sample)["reads"] = static_cast<double>(reads.operations) / seconds;
  (*sample)["read-p99.9"] = reads.latencies.Microseconds(0.999);
  (*sample)["read-max"] = reads.latencies.MaxMicroseconds();
  return Status::Ok();
}

}  // namespace rawkv::bench
