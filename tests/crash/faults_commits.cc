// The steps of FaultSession that commit.

#include <list>
#include <map>
#include <thread>

#include "base/bytes.h"
#include "blockdev/aligned_buffer.h"
#include "tests/crash/faults_session.h"

namespace rawkv {

void FaultSession::Commit(const std::string& step, const ModelBatch& batch,
                          std::optional<Durability> durability) {
  if (engine_ == nullptr) return;
  BeginStep(step);
  std::list<std::string> values;
  const CommitResult result = engine_->Commit(batch.ToWriteBatch(&values), {.durability = durability});
  AwaitBackgroundWork();
  RecordCommit(batch, result, durability);
  CheckAfterStep();
}

void FaultSession::RecordCommit(const ModelBatch& batch, const CommitResult& result,
                                std::optional<Durability> durability) {
  switch (result.outcome) {
    case CommitOutcome::kApplied:
      if (!result.ok()) Fail("applied, but " + result.status.ToString());
      if (poisoned_) Fail("a commit after one of unknown outcome");
      if (now_.model.Commit(batch) != result.version) Fail("made version " + ToString(result.version));
      if (durability != Durability::kUnsafeUnsynced) now_.durable = result.version;
      break;
    case CommitOutcome::kNotApplied:
      if (AcceptAnswer(result.status)) Fail("not applied, but ok");
      break;
    case CommitOutcome::kUnknown:
      if (AcceptAnswer(result.status)) Fail("unknown, but ok");
      if (result.status.code() != StatusCode::kIoError) Fail("unknown with " + result.status.ToString());
      outcome_ = "unknown";
      poisoned_ = true;
      if (!doubt_) {
        doubt_ = now_;
        doubt_->model.Commit(batch);
      }
      break;
  }
}

void FaultSession::CommitInSession() {
  if (engine_ == nullptr) return;
  BeginStep("session");
  const Result<std::unique_ptr<Session>> session = engine_->OpenSession();
  if (!AcceptAnswer(session.status())) return CheckAfterStep();
  const ModelBatch batch = {.ops = {Put("i-new", 100), Put("p-new", 9000)}};
  std::list<std::string> values;
  AlignedBuffer memory(3 * kBlockAlign);
  const SessionRead reads[] = {{"p-new", memory.bytes()}};
  const Result<uint64_t> ids[] = {(*session)->SubmitCommit(batch.ToWriteBatch(&values)),
                                  (*session)->SubmitGet(reads), (*session)->SubmitSync()};
  std::map<uint64_t, SessionCompletion> completions;
  const auto drain = [&] {
    SessionCompletion drained[3];
    const size_t count = (*session)->Drain(drained);
    for (size_t i = 0; i < count; ++i) {
      const uint64_t id = drained[i].id;
      if (!completions.emplace(id, std::move(drained[i])).second) Fail("an operation completed twice");
    }
  };
  while ((*session)->Wait(-1)) drain();
  if (!AcceptAnswer((*session)->Close())) Fail("a session could not be closed");
  drain();
  AwaitBackgroundWork();
  for (const Result<uint64_t>& id : ids) {
    if (AcceptAnswer(id.status()) && !completions.contains(*id)) return Fail("an operation did not complete");
  }
  if (ids[0].ok()) RecordCommit(batch, completions[*ids[0]].commit, std::nullopt);
  if (ids[1].ok() && AcceptAnswer(completions[*ids[1]].status)) {
    const SessionAnswer& answer = completions[*ids[1]].answers.at(0);
    const ModelState state = now_.model.At(now_.model.tip());
    const auto expected = state.find("p-new");
    if (answer.status.code() == StatusCode::kNotFound && expected == state.end()) {
      // Right: the commit failed, and the key had no value before it.
    } else if (AcceptAnswer(answer.status)) {
      const std::string_view bytes = AsStringView(ConstBytes(memory.bytes()).first(answer.bytes));
      if (expected == state.end()) return Fail("a session read a key that is not there");
      const std::string difference = DiffValue(expected->second.value, bytes);
      if (!difference.empty()) Fail("a session read p-new: " + difference);
    }
  }
  if (ids[2].ok() && !AcceptAnswer(completions[*ids[2]].status)) poisoned_ = true;
  CheckAfterStep();
}

void FaultSession::CommitMulti() {
  Commit("commit multi", {.ops = {Put("i0", 100),
                                  Put("p1", 9000),
                                  Put("p-new", 5000),
                                  {.kind = ModelOp::Kind::kDeleteRange, .key = "p2", .end_key = "p2~"}},
                          .metadata = "several"});
}

void FaultSession::CommitUnsynced() {
  Commit("commit unsynced", {.ops = {Put("i-new", 100), Put("p-new", 5000)}}, Durability::kUnsafeUnsynced);
}

void FaultSession::CommitLarge() {
  ModelBatch batch;
  for (uint64_t i = 0; i * 900 < config_.memtable_bytes + 4096; ++i) {
    batch.ops.push_back(Put("f" + std::to_string(i), 900));
  }
  Commit("commit with index flush", batch);
}

void FaultSession::CommitGroup() {
  if (engine_ == nullptr) return;
  BeginStep("commit group");
  constexpr size_t kMembers = 3;
  std::vector<ModelBatch> batches(kMembers);
  std::vector<CommitResult> results(kMembers);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kMembers; ++i) {
    const std::string n = std::to_string(i);
    batches[i] = {.ops = {Put("group" + n, 60), Put("group-payload" + n, 5000)}};
  }
  for (size_t i = 0; i < kMembers; ++i) {
    threads.emplace_back([&, i] {
      std::list<std::string> values;
      results[i] = engine_->Commit(batches[i].ToWriteBatch(&values));
    });
  }
  for (std::thread& t : threads) t.join();
  std::map<Version, size_t> applied;
  for (size_t i = 0; i < kMembers; ++i) {
    if (results[i].outcome == CommitOutcome::kApplied) {
      if (!applied.emplace(results[i].version, i).second) Fail("two commits made one version");
    } else if (AcceptAnswer(results[i].status)) {
      Fail("not applied, but ok");
    }
    if (results[i].outcome == CommitOutcome::kUnknown) {
      outcome_ = "unknown";
      group_doubt_.push_back(batches[i]);
    }
  }
  for (const auto& [version, i] : applied) {
    if (now_.model.Commit(batches[i]) != version) Fail("versions are not dense");
    now_.durable = version;
  }
  if (!group_doubt_.empty()) poisoned_ = true;
  CheckAfterStep();
}

}  // namespace rawkv
