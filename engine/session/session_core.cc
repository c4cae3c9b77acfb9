#include "engine/session/session_core.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/exception_status.h"
#include "engine/read/reader.h"

namespace rawkv {
namespace {

constexpr size_t kKeptMax = 256;  // operations that a session keeps for later ones

}  // namespace

SessionCore::SessionCore(SessionHub& hub, const SessionOptions& options, UniqueFd event_fd,
                         std::unique_ptr<ReapedRing> ring)
    : hub_(hub), options_(options), event_fd_(std::move(event_fd)), ring_(std::move(ring)) {}

SessionCore::~SessionCore() {
  while (Operation* operation = done_.Pop()) delete operation;
  while (Operation* operation = kept_.Pop()) delete operation;
  while (ChunkRun* run = kept_runs_) {
    kept_runs_ = run->next;
    delete run;
  }
}

Status SessionCore::CheckOpen() const {
  return closed_ ? Status::FailedPrecondition("the session is closed") : Status::Ok();
}

Status SessionCore::Admit() {
  RAWKV_RETURN_IF_ERROR(CheckOpen());
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

Result<std::unique_ptr<Operation>> SessionCore::MakeRead(SessionOp op, size_t keys) {
  if (keys == 0) return Status::InvalidArgument("a read names no key");
  std::unique_ptr<Operation> operation;
  {
    MutexLock lock(mu_);
    RAWKV_RETURN_IF_ERROR(CheckOpen());
    operation.reset(kept_.Pop());
    if (operation != nullptr) --kept_count_;
  }
  RAWKV_RETURN_IF_ERROR(hub_.parts().readable());
  if (operation == nullptr) operation = std::make_unique<Operation>(Place::Kind::kRead, op);
  operation->completion.op = op;
  operation->reads.resize(keys);
  return operation;
}

Result<uint64_t> SessionCore::SubmitGet(std::span<const SessionRead> reads) {
  RAWKV_RETURN_IF_ERROR(CheckSeparateMemory(reads));
  RAWKV_ASSIGN_OR_RETURN(std::unique_ptr<Operation> operation, MakeRead(SessionOp::kGet, reads.size()));
  for (size_t i = 0; i < reads.size(); ++i) {
    operation->reads[i].key = reads[i].key;
    operation->reads[i].out = reads[i].out;
  }
  return SubmitReads(std::move(operation));
}

Result<uint64_t> SessionCore::SubmitExists(std::span<const std::string_view> keys) {
  RAWKV_ASSIGN_OR_RETURN(std::unique_ptr<Operation> operation, MakeRead(SessionOp::kExists, keys.size()));
  for (size_t i = 0; i < keys.size(); ++i) operation->reads[i].key = keys[i];
  return SubmitReads(std::move(operation));
}

Result<uint64_t> SessionCore::SubmitReads(std::unique_ptr<Operation> operation) {
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

Status SessionCore::CheckCanWrite() const {
  {
    MutexLock lock(mu_);
    RAWKV_RETURN_IF_ERROR(CheckOpen());  // the hub of a closed session may be gone
  }
  RAWKV_RETURN_IF_ERROR(hub_.parts().writable());
  return hub_.parts().poison.Check();
}

Result<uint64_t> SessionCore::SubmitCommit(WriteBatch&& batch, const CommitOptions& options) {
  RAWKV_RETURN_IF_ERROR(CheckCanWrite());
  auto operation = std::make_unique<Operation>(Place::Kind::kWrite, SessionOp::kCommit);
  operation->options = options;
  return SubmitWrite(std::move(operation), &batch);
}

Result<uint64_t> SessionCore::SubmitSync() {
  RAWKV_RETURN_IF_ERROR(CheckCanWrite());
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
  if (first && polled_) SetReadable();
  if (waiters_ != 0) changed_.NotifyAll();
  if (blocked_.load()) ring_->Wake();
}

void SessionCore::SetReadable() {
  RAWKV_CHECK(::eventfd_write(event_fd_.get(), 1) == 0, "an eventfd at 0 takes 1");
}

int SessionCore::event_fd() {
  if (forked()) return event_fd_.get();
  MutexLock lock(mu_);
  if (!polled_ && !done_.empty()) SetReadable();
  polled_ = true;
  // The caller may wait for the descriptor alone from now on, so nothing may depend on its other calls.
  while (on_ring_ != 0) WaitForProgress(IoRing::kForever);
  return event_fd_.get();
}

void SessionCore::Keep(Operation* operation) {
  if (kept_count_ == kKeptMax || operation->place_kind() != Place::Kind::kRead) {
    delete operation;
    return;
  }
  kept_.Push(operation);
  ++kept_count_;
}

size_t SessionCore::Drain(std::span<SessionCompletion> out) {
  OperationList taken;
  size_t count = 0;
  {
    MutexLock lock(mu_);
    const auto take = [&]() RAWKV_REQUIRES(mu_) {
      const bool any = !done_.empty();
      for (; count < out.size() && !done_.empty(); ++count) taken.Push(done_.Pop());
      eventfd_t ignored = 0;
      if (any && done_.empty() && polled_) {
        // A caller that read the descriptor, although it should only poll it, has left nothing to read.
        const bool read = ::eventfd_read(event_fd_.get(), &ignored) == 0;
        RAWKV_CHECK(read || errno == EAGAIN, "an eventfd can be read");
      }
    };
    if (!out.empty()) take();
    if (count < out.size() && TryReap(/*timeout_ms=*/0)) take();
    undrained_ -= count;
  }
  OperationList used;
  for (size_t i = 0; i < count; ++i) {
    Operation* const operation = taken.Pop();
    operation->Recycle(out[i]);
    used.Push(operation);
  }
  MutexLock lock(mu_);
  while (Operation* operation = used.Pop()) Keep(operation);
  return count;
}

bool SessionCore::Wait(int64_t timeout_ms) {
  using Steady = std::chrono::steady_clock;
  const auto begin = timeout_ms > 0 ? Steady::now() : Steady::time_point();
  MutexLock lock(mu_);
  while (done_.empty()) {
    if (active_ == 0) return false;
    int64_t left = timeout_ms;
    if (timeout_ms > 0) {
      left -= std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - begin).count();
    }
    if (timeout_ms >= 0 && left <= 0) {
      TryReap(/*timeout_ms=*/0);
      return !done_.empty();
    }
    WaitForProgress(left);
  }
  return true;
}

void SessionCore::WaitForProgress(int64_t timeout_ms) {
  if (TryReap(timeout_ms)) return;
  ++waiters_;
  timeout_ms < 0 ? changed_.Wait(mu_) : (void)changed_.WaitForMs(mu_, timeout_ms);
  --waiters_;
}

bool SessionCore::TryReap(int64_t timeout_ms) {
  if (on_ring_ == 0 || reaping_) return false;
  reaping_ = true;
  blocked_ = timeout_ms != 0;
  mu_.Unlock();
  const bool on_ring = timeout_ms == 0 || ring_->Wait(timeout_ms);
  blocked_ = false;
  ring_->Reap();
  PassStrays();
  mu_.Lock();
  reaping_ = false;
  if (waiters_ != 0) changed_.NotifyAll();
  // The transfers are not on the ring yet, or they are strays, which the hub's queue finishes.
  if (!on_ring && done_.empty()) {
    ++waiters_;
    (void)changed_.WaitForMs(mu_, 1);
    --waiters_;
  }
  return true;
}

void SessionCore::PassStrays() {
  while (IoQueue::Job* stray = ring_->TakeStray()) hub_.io().Submit(std::span(&stray, 1));
}

void SessionCore::Attend() noexcept {
  MutexLock lock(mu_);
  (void)TryReap(/*timeout_ms=*/0);
}

Status SessionCore::RegisterMemory(Bytes memory) {
  if (memory.empty()) return Status::InvalidArgument("the memory to register is empty");
  size_t at = 0;
  {
    MutexLock lock(mu_);
    RAWKV_RETURN_IF_ERROR(CheckOpen());
    at = memory_.size();
    memory_.emplace_back();
  }
  // Without the mutex: the kernel may have to fetch many pages.
  Registered registered;
  RAWKV_ASSIGN_OR_RETURN(registered.in_queue, hub_.io().RegisterMemory(memory));
  Status status;
  if (ring_ != nullptr) {
    const Result<uint64_t> in_ring = ring_->RegisterMemory(memory);
    status = in_ring.status();
    if (in_ring.ok()) registered.in_ring = *in_ring;
  }
  MutexLock lock(mu_);
  if (status.ok()) {
    memory_[at] = registered;
  } else {
    hub_.io().UnregisterMemory(registered.in_queue);
  }
  return status;
}

void SessionCore::Close() {
  MutexLock lock(mu_);
  closed_ = true;
  while (active_ != 0) WaitForProgress(IoRing::kForever);
  for (const Registered& memory : memory_) {
    if (memory.in_queue != 0) hub_.io().UnregisterMemory(memory.in_queue);
    if (memory.in_ring != 0) ring_->UnregisterMemory(memory.in_ring);
  }
  memory_.clear();
}

SessionStats SessionCore::stats() const {
  MutexLock lock(mu_);
  return stats_;
}

}  // namespace rawkv
