#include <algorithm>

#include "tools/bench/files.h"
#include "tools/bench/work.h"

namespace rawkv::bench {

Status RunCommits(Subject& subject, const Commits& commits, Random& random, Tally* tally) {
  std::vector<Tally> tallies(commits.writers);
  std::vector<Random> randoms;
  for (uint64_t i = 0; i < commits.writers; ++i) randoms.emplace_back(random());
  const auto commit = [&](uint64_t thread) -> Status {
    do {
      std::vector<uint64_t> numbers(commits.keys);
      for (uint64_t& number : numbers) number = randoms[thread]() % subject.keys;
      const auto begin = Clock::now();
      RAWKV_RETURN_IF_ERROR(CommitKeys(subject, numbers, commits.mode));
      tallies[thread].Add(Clock::now() - begin, commits.keys * subject.options.value_bytes);
    } while (Clock::now() < commits.end);
    return Status::Ok();
  };
  RAWKV_RETURN_IF_ERROR(RunOnThreads(commits.writers, commit));
  for (const Tally& each : tallies) tally->Merge(each);
  return Status::Ok();
}

Status CommitKeys(Subject& subject, std::span<const uint64_t> numbers, CommitMode mode) {
  std::vector<std::string> keys;
  std::vector<Entry> entries;
  for (const uint64_t number : numbers) keys.push_back(KeyOf(number));
  for (size_t i = 0; i < keys.size(); ++i) {
    entries.push_back({keys[i], ValueOf(numbers[i], subject.options.value_bytes)});
  }
  return subject.peer->Commit(entries, mode);
}

Status CommitOne(Subject& subject, CommitMode mode, Random& random) {
  const uint64_t number = random() % subject.keys;
  return CommitKeys(subject, {&number, 1}, mode);
}

namespace {

Status CommitFor(const Case& which, Subject& subject, CommitMode mode, Random& random, Sample* sample) {
  const auto begin = Clock::now();
  Tally tally;
  RAWKV_RETURN_IF_ERROR(RunCommits(
      subject,
      {.writers = which.depth, .keys = which.workload->parameter, .mode = mode, .end = begin + which.slice},
      random, &tally));
  SetOperations(tally, Clock::now() - begin, sample);
  return Status::Ok();
}

}  // namespace

Status CommitDurable(const Case& which, Subject& subject, Random& random, Sample* sample) {
  return CommitFor(which, subject, CommitMode::kDurable, random, sample);
}

Status CommitUnsynced(const Case& which, Subject& subject, Random& random, Sample* sample) {
  RAWKV_RETURN_IF_ERROR(CommitFor(which, subject, CommitMode::kUnsynced, random, sample));
  return subject.peer->Sync();  // outside of the time, so that the next peer finds an idle disk
}

Status Overwrite(const Case& which, Subject& subject, Random& random, Sample* sample) {
  constexpr uint64_t kCommitBytes = 1 << 20;
  constexpr uint64_t kCommitKeys = 1000;
  const uint64_t keys_a_commit = std::clamp<uint64_t>(kCommitBytes / which.value_bytes, 1, kCommitKeys);
  const std::vector<uint64_t> order = Shuffled(subject.keys, random);
  RAWKV_ASSIGN_OR_RETURN(const uint64_t written_before, WrittenBytes());
  const auto begin = Clock::now();
  for (size_t at = 0; at < order.size(); at += keys_a_commit) {
    const size_t end = std::min<size_t>(order.size(), at + keys_a_commit);
    RAWKV_RETURN_IF_ERROR(CommitKeys(subject, std::span(order).subspan(at, end - at), CommitMode::kUnsynced));
  }
  RAWKV_RETURN_IF_ERROR(subject.peer->Sync());
  const double seconds = Seconds(Clock::now() - begin);
  RAWKV_RETURN_IF_ERROR(subject.peer->Rest());  // the work in the background counts for the bytes
  RAWKV_ASSIGN_OR_RETURN(const uint64_t written, WrittenBytes());
  RAWKV_ASSIGN_OR_RETURN(const uint64_t space, subject.peer->SpaceBytes());
  const auto user_bytes = static_cast<double>(subject.keys * which.value_bytes);
  (*sample)["rate"] = user_bytes / (1 << 20) / seconds;
  (*sample)["write-amplification"] = static_cast<double>(written - written_before) / user_bytes;
  (*sample)["space-amplification"] = static_cast<double>(space) / user_bytes;
  return Status::Ok();
}

}  // namespace rawkv::bench
