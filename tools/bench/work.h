#pragma once

#include "tools/bench/workload.h"

namespace rawkv::bench {

// The functions of the table of workloads (workload.cc), which documents them. RunWorkload is their contract.

Status ReadRandom(const Case& which, Subject& subject, Random& random, Sample* sample);
Status ReadHot(const Case& which, Subject& subject, Random& random, Sample* sample);
Status MultiGet(const Case& which, Subject& subject, Random& random, Sample* sample);
Status Scan(const Case& which, Subject& subject, Random& random, Sample* sample);
Status CommitDurable(const Case& which, Subject& subject, Random& random, Sample* sample);
Status CommitUnsynced(const Case& which, Subject& subject, Random& random, Sample* sample);
Status Overwrite(const Case& which, Subject& subject, Random& random, Sample* sample);
Status SnapshotStall(const Case& which, Subject& subject, Random& random, Sample* sample);
Status MixedLoad(const Case& which, Subject& subject, Random& random, Sample* sample);
Status Ycsb(const Case& which, Subject& subject, Random& random, Sample* sample);
Status Rollback(const Case& which, Subject& subject, Random& random, Sample* sample);
Status ReplayLog(const Case& which, Subject& subject, Random& random, Sample* sample);
Status OpenAfterKill(const Case& which, Subject& subject, Random& random, Sample* sample);
Status MemoryPerKey(const Case& which, Subject& subject, Random& random, Sample* sample);

// Closes the peer, drops its files from the page cache, and opens it.
Status Cool(Subject& subject, Access access);
// Sets throughput, p50 and p99.
void SetOperations(const Tally& tally, Clock::duration spent, Sample* sample);
double Seconds(Clock::duration time);

// Puts the keys with these numbers as one commit.
Status CommitKeys(Subject& subject, std::span<const uint64_t> numbers, CommitMode mode);
// Commits one existing key.
Status CommitOne(Subject& subject, CommitMode mode, Random& random);

// Commits to existing keys until `end`, at least one for each of `writers` threads. Each commit has `keys`
// keys.
struct Commits {
  uint64_t writers = 1;
  uint64_t keys = 1;
  CommitMode mode = CommitMode::kDurable;
  Clock::time_point end;
};
Status RunCommits(Subject& subject, const Commits& commits, Random& random, Tally* tally);

}  // namespace rawkv::bench
