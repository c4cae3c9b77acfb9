#include "engine/session/session_hub.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/exception_status.h"
#include "engine/session/session_core.h"

namespace rawkv {
namespace {

constexpr uint64_t kOperationsMax = 1ull << 20;
// Look-ups that may block at a time, at first and at most. Each reads at most a few index blocks, one after
// the other, so that as many reads of the index are under way as there are threads.
constexpr size_t kLookUpThreads = 2;
constexpr size_t kLookUpThreadsMax = 32;
// Commits that the committer hands over together. Their slots are reserved at one time.
constexpr size_t kCommitsTogether = 256;
constexpr uint64_t kBytesTogether = 16ull << 20;

// The caller's handle.
class SessionHandle final : public Session {
 public:
  explicit SessionHandle(std::shared_ptr<SessionCore> core) : core_(std::move(core)) {}
  ~SessionHandle() override {
    // A forked process lacks the threads that complete what is under way.
    if (forked()) {
      (void)new std::shared_ptr<SessionCore>(std::move(core_));
      return;
    }
    core_->Close();
  }

  Result<uint64_t> SubmitGet(std::span<const SessionRead> reads) override {
    return Submit([&] { return core_->SubmitGet(reads); });
  }
  Result<uint64_t> SubmitExists(std::span<const std::string_view> keys) override {
    return Submit([&] { return core_->SubmitExists(keys); });
  }
  Result<uint64_t> SubmitCommit(WriteBatch&& batch, const CommitOptions& options) override {
    return Submit([&] { return core_->SubmitCommit(std::move(batch), options); });
  }
  Result<uint64_t> SubmitSync() override {
    return Submit([&] { return core_->SubmitSync(); });
  }
  Status RegisterMemory(Bytes memory) override {
    return NoThrow([&] { return forked() ? RefuseForked() : core_->RegisterMemory(memory); });
  }
  int event_fd() const override { return core_->event_fd(); }
  size_t Drain(std::span<SessionCompletion> out) override { return forked() ? 0 : core_->Drain(out); }
  bool Wait(int64_t timeout_ms) override { return !forked() && core_->Wait(timeout_ms); }
  Status Close() override {
    if (forked()) return RefuseForked();
    core_->Close();
    return Status::Ok();
  }
  SessionStats stats() const override { return forked() ? SessionStats{} : core_->stats(); }

 private:
  bool forked() const { return core_->forked(); }
  static Status RefuseForked() {
    return Status::FailedPrecondition("a process that was forked after the open cannot use the session");
  }
  template <typename Call>
  Result<uint64_t> Submit(const Call& call) {
    return NoThrow([&]() -> Result<uint64_t> {
      if (forked()) return RefuseForked();
      return call();
    });
  }

  std::shared_ptr<SessionCore> core_;
};

}  // namespace

Status SessionHub::Worker::Start(size_t count, const std::function<void()>& run) {
  MutexLock lock(mu);
  while (threads.size() < count) RAWKV_RETURN_IF_ERROR(StartAnother(run));
  return Status::Ok();
}

Status SessionHub::Worker::StartAnother(const std::function<void()>& run) {
  auto thread = std::make_unique<Thread>();
  threads.reserve(threads.size() + 1);
  RAWKV_RETURN_IF_ERROR(thread->Start(run));
  threads.push_back(std::move(thread));
  return Status::Ok();
}

void SessionHub::Worker::Stop() {
  std::vector<std::unique_ptr<Thread>> ending;
  {
    MutexLock lock(mu);
    stop = true;
    ending = std::move(threads);
  }
  changed.NotifyAll();
  for (const std::unique_ptr<Thread>& thread : ending) thread->Join();
}

void SessionHub::Worker::Queue(Operation* operation) {
  {
    MutexLock lock(mu);
    waiting.Push(operation);
  }
  changed.NotifyOne();
}

void SessionHub::QueueLookUp(Operation* operation) {
  {
    MutexLock lock(look_ups_.mu);
    const size_t threads = look_ups_.threads.size();
    if (++look_ups_.look_ups > threads && threads < kLookUpThreadsMax) {
      // If the system refuses another thread, those that there are do the work.
      (void)NoThrow(
          [&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS { return look_ups_.StartAnother([this] { RunLookUps(); }); });
    }
  }
  look_ups_.Queue(operation);
}
void SessionHub::QueueWrite(Operation* operation) {
  writes_.Queue(operation);
}

Result<std::unique_ptr<Session>> SessionHub::Open(const SessionOptions& options) {
  if (options.operations_max < 1 || options.operations_max > kOperationsMax) {
    return Status::InvalidArgument("operations_max " + std::to_string(options.operations_max) +
                                   ": must be 1 to " + std::to_string(kOperationsMax));
  }
  if (options.bytes_in_flight_max < 1)
    return Status::InvalidArgument("bytes_in_flight_max must be at least 1");
  UniqueFd event_fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event_fd.valid()) return Status::FromErrno(errno, "eventfd for a session");
  MutexLock lock(mu_);
  RAWKV_RETURN_IF_ERROR(Start());
  auto core = std::make_shared<SessionCore>(*this, options, std::move(event_fd),
                                            parts_.context.device.device->OpenRing());
  MutexLock list_lock(list_mu_);
  std::erase_if(sessions_, [](const std::weak_ptr<SessionCore>& session) { return session.expired(); });
  sessions_.push_back(core);
  return std::unique_ptr<Session>(std::make_unique<SessionHandle>(std::move(core)));
}

Status SessionHub::Start() {
  if (io_ == nullptr) {
    RAWKV_ASSIGN_OR_RETURN(io_, parts_.context.device.device->OpenQueue());
    parts_.epochs.SetHelp([this] { AttendAll(); });
  }
  RAWKV_RETURN_IF_ERROR(look_ups_.Start(kLookUpThreads, [this] { RunLookUps(); }));
  if (parts_.pipeline == nullptr) return Status::Ok();
  requests_.reserve(kCommitsTogether);
  return writes_.Start(1, [this] { RunWrites(); });
}

void SessionHub::Close() {
  MutexLock lock(mu_);
  for (size_t i = 0;; ++i) {
    std::shared_ptr<SessionCore> core;
    {
      // Not held while a session closes: a commit may wait for readers, and that thread attends to sessions.
      MutexLock list_lock(list_mu_);
      if (i == sessions_.size()) break;
      core = sessions_[i].lock();
    }
    if (core != nullptr) core->Close();
  }
  if (io_ != nullptr) parts_.epochs.SetHelp(nullptr);
  look_ups_.Stop();
  writes_.Stop();
  io_.reset();
}

void SessionHub::AttendAll() {
  MutexLock lock(list_mu_);
  for (const std::weak_ptr<SessionCore>& session : sessions_) {
    if (const std::shared_ptr<SessionCore> core = session.lock()) core->Attend();
  }
}

void SessionHub::RunLookUps() {
  for (;;) {
    Operation* operation = nullptr;
    {
      MutexLock lock(look_ups_.mu);
      while (look_ups_.waiting.empty() && !look_ups_.stop) look_ups_.changed.Wait(look_ups_.mu);
      operation = look_ups_.waiting.Pop();
    }
    if (operation == nullptr) return;
    operation->session->RunLookUp(operation, SessionCore::LookUp::kMayBlock);
    MutexLock lock(look_ups_.mu);
    --look_ups_.look_ups;
  }
}

bool SessionHub::TakeWrites(std::vector<Operation*>& taken) {
  taken.clear();
  MutexLock lock(writes_.mu);
  while (writes_.waiting.empty() && !writes_.stop) writes_.changed.Wait(writes_.mu);
  uint64_t bytes = 0;
  while (!writes_.waiting.empty() && taken.size() < kCommitsTogether && bytes < kBytesTogether) {
    Operation* const next = writes_.waiting.front();
    const bool sync = next->completion.op == SessionOp::kSync;
    if (sync && !taken.empty()) break;
    taken.push_back(writes_.waiting.Pop());
    if (sync) break;
    for (const WriteBatch::Operation& op : next->batch.operations()) bytes += op.value().size();
  }
  return !taken.empty();
}

void SessionHub::RunWrites() {
  std::vector<Operation*> taken;
  // A thread without memory for the list could complete nothing.
  taken.reserve(kCommitsTogether);
  while (TakeWrites(taken)) {
    if (taken.front()->completion.op == SessionOp::kCommit) {
      RunCommits(taken);
    } else {
      taken.front()->completion.status = NoThrow([&]() -> Status {
        RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, parts_.enter_to_write());
        return parts_.pipeline->Sync();
      });
    }
    for (Operation* operation : taken) {
      const std::shared_ptr<SessionCore> session = operation->session;
      session->FinishWrite(operation);
    }
  }
}

void SessionHub::RunCommits(std::vector<Operation*>& commits) {
  const Result<OperationGate::Pass> pass = NoThrow([&] { return parts_.enter_to_commit(); });
  requests_.clear();
  for (Operation* operation : commits) {
    Status refused = pass.status();
    // A rollback has undone the state that this commit was submitted for.
    if (refused.ok() && operation->rollbacks != parts_.rollbacks.load()) {
      refused =
          NoThrow([] { return Status::FailedPrecondition("commit not applied: the store was rolled back"); });
    }
    if (refused.ok()) {
      requests_.push_back({.batch = &operation->batch, .options = &operation->options});
    } else {
      operation->completion.commit.status = refused;
    }
  }
  if (!requests_.empty()) parts_.pipeline->CommitMany(requests_);
  size_t next = 0;
  for (Operation* operation : commits) {
    CommitResult& result = operation->completion.commit;
    if (result.status.ok()) result = std::move(requests_[next++].result);
    operation->completion.status = result.status;
  }
}

}  // namespace rawkv
