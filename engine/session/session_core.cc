#include "engine/session/session_core.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/exception_status.h"

namespace rawkv {

SessionCore::SessionCore(SessionHub& hub, const SessionOptions& options, UniqueFd event_fd)
    : hub_(hub), options_(options), event_fd_(std::move(event_fd)) {}

SessionCore::~SessionCore() {
  while (Operation* operation = done_.Pop()) delete operation;
}

Status SessionCore::CheckUsable(const std::function<Status()>& check) const {
  {
    MutexLock lock(mu_);
    if (closed_) return Status::FailedPrecondition("the session is closed");
  }
  return check();
}

Status SessionCore::Admit() {
  if (closed_) return Status::FailedPrecondition("the session is closed");
  if (undrained_ < options_.operations_max) return Status::Ok();
  ++stats_.refused;
  return Status::Busy("the session has " + std::to_string(undrained_) +
                      " operations that were not drained, which is its bound");
}

uint64_t SessionCore::Accept(Operation& operation) {
  ++active_;
  ++undrained_;
  ++stats_.accepted;
  return operation.completion.id = ++last_id_;
}

Result<uint64_t> SessionCore::SubmitGet(std::span<const SessionRead> reads) {
  RAWKV_RETURN_IF_ERROR(CheckUsable(hub_.parts().readable));
  auto operation = std::make_unique<Operation>(Place::Kind::kRead, SessionOp::kGet);
  operation->reads.resize(reads.size());
  for (size_t i = 0; i < reads.size(); ++i) {
    operation->reads[i].key = reads[i].key;
    operation->reads[i].out = reads[i].out;
  }
  return SubmitReads(std::move(operation));
}

Result<uint64_t> SessionCore::SubmitExists(std::span<const std::string_view> keys) {
  RAWKV_RETURN_IF_ERROR(CheckUsable(hub_.parts().readable));
  auto operation = std::make_unique<Operation>(Place::Kind::kRead, SessionOp::kExists);
  operation->reads.resize(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) operation->reads[i].key = keys[i];
  return SubmitReads(std::move(operation));
}

Result<uint64_t> SessionCore::SubmitReads(std::unique_ptr<Operation> operation) {
  if (operation->reads.empty()) return Status::InvalidArgument("a read names no key");
  operation->completion.answers.resize(operation->reads.size());
  operation->session = shared_from_this();
  uint64_t id = 0;
  bool begins = true;
  {
    MutexLock lock(mu_);
    RAWKV_RETURN_IF_ERROR(Admit());
    operation->fast = order_.TryFastRead();
    if (!operation->fast) {
      std::vector<std::string_view> keys;
      for (const Operation::Read& read : operation->reads) keys.push_back(read.key);
      begins = order_.AddRead(*operation, keys);
    }
    id = Accept(*operation);
  }
  Operation* const accepted = operation.release();
  if (begins) RunLookUp(accepted, LookUp::kFromMemory);
  return id;
}

Result<uint64_t> SessionCore::SubmitCommit(WriteBatch&& batch, const CommitOptions& options) {
  RAWKV_RETURN_IF_ERROR(CheckUsable(hub_.parts().writable));
  RAWKV_RETURN_IF_ERROR(hub_.parts().poison.Check());
  auto operation = std::make_unique<Operation>(Place::Kind::kWrite, SessionOp::kCommit);
  operation->options = options;
  return SubmitWrite(std::move(operation), &batch);
}

Result<uint64_t> SessionCore::SubmitSync() {
  RAWKV_RETURN_IF_ERROR(CheckUsable(hub_.parts().writable));
  RAWKV_RETURN_IF_ERROR(hub_.parts().poison.Check());
  return SubmitWrite(std::make_unique<Operation>(Place::Kind::kSync, SessionOp::kSync), nullptr);
}

Result<uint64_t> SessionCore::SubmitWrite(std::unique_ptr<Operation> operation, WriteBatch* batch) {
  operation->session = shared_from_this();
  MutexLock lock(mu_);
  RAWKV_RETURN_IF_ERROR(Admit());
  const bool begins = batch == nullptr ? order_.AddSync(*operation) : order_.AddWrite(*operation, *batch);
  if (batch != nullptr) operation->batch = std::move(*batch);
  operation->rollbacks = hub_.parts().rollbacks.load();
  const uint64_t id = Accept(*operation);
  Operation* const accepted = operation.release();
  if (begins) {
    ReadyPlaces ready;
    ready.Push(accepted);
    RAWKV_CHECK(BeginReady(ready).empty(), "a write that begins lets no read begin");
  }
  return id;
}

OperationList SessionCore::BeginReady(ReadyPlaces& ready) {
  OperationList reads;
  while (Place* place = ready.Pop()) {
    auto* const operation = static_cast<Operation*>(place);
    if (place->place_kind() == Place::Kind::kRead) {
      reads.Push(operation);
      continue;
    }
    // Under mu_, so that writes reach the committer in the order of the table.
    order_.Begin(*operation, ready);
    hub_.QueueWrite(operation);
  }
  return reads;
}

void SessionCore::FinishWrite(Operation* operation) noexcept {
  const std::shared_ptr<SessionCore> self = std::move(operation->session);
  OperationList reads;
  {
    MutexLock lock(mu_);
    ReadyPlaces ready;
    if (operation->place_kind() == Place::Kind::kWrite) order_.FinishWrite(*operation, ready);
    reads = BeginReady(ready);
    operation->batch.Clear();
    Complete(operation);
  }
  while (Operation* read = reads.Pop()) RunLookUp(read, LookUp::kFromMemory);
}

void SessionCore::Complete(Operation* operation) {
  operation->epoch.reset();
  operation->session.reset();  // the caller has a reference
  RAWKV_CHECK(active_ != 0, "an operation completes once");
  --active_;
  ++stats_.completed;
  const bool first = done_.empty();
  done_.Push(operation);
  if (first) RAWKV_CHECK(::eventfd_write(event_fd_.get(), 1) == 0, "an eventfd at 0 takes 1");
  changed_.NotifyAll();
}

size_t SessionCore::Drain(std::span<SessionCompletion> out) {
  OperationList taken;
  size_t count = 0;
  {
    MutexLock lock(mu_);
    for (; count < out.size() && !done_.empty(); ++count) taken.Push(done_.Pop());
    undrained_ -= count;
    eventfd_t ignored = 0;
    if (count != 0 && done_.empty()) {
      RAWKV_CHECK(::eventfd_read(event_fd_.get(), &ignored) == 0, "an eventfd at 1 gives 1");
    }
  }
  for (size_t i = 0; i < count; ++i) {
    const std::unique_ptr<Operation> operation(taken.Pop());
    out[i] = std::move(operation->completion);
  }
  return count;
}

bool SessionCore::Wait(int64_t timeout_ms) {
  const auto begin = std::chrono::steady_clock::now();
  MutexLock lock(mu_);
  while (done_.empty()) {
    if (active_ == 0) return false;
    if (timeout_ms < 0) {
      changed_.Wait(mu_);
      continue;
    }
    const int64_t passed =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin)
            .count();
    if (passed >= timeout_ms) return false;
    (void)changed_.WaitForMs(mu_, timeout_ms - passed);
  }
  return true;
}

void SessionCore::Close() {
  MutexLock lock(mu_);
  closed_ = true;
  while (active_ != 0) changed_.Wait(mu_);
}

SessionStats SessionCore::stats() const {
  MutexLock lock(mu_);
  return stats_;
}

}  // namespace rawkv
