#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>

#include "base/exception_status.h"
#include "base/limits.h"
#include "engine/read/reader.h"
#include "engine/session/session_core.h"

namespace rawkv {

// The transfers of one chunk.
struct SessionCore::ChunkRun {
  struct Transfer final : IoQueue::Job {
    Transfer(ChunkRun& run_in, const IoRequest& request) : Job(request), run(run_in) {}
    void OnDone() override { run.HandleTransfer(); }
    ChunkRun& run;
  };

  // Destroys the run with the last transfer.
  void HandleTransfer() {
    if (pending.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::unique_ptr<ChunkRun> last(this);
    Status status;
    for (const Transfer& transfer : transfers) {
      if (status.ok()) status = transfer.status();
    }
    if (status.ok()) status = NoThrow([&] { return pick.operation->payload->FinishChunk(chunk); });
    session->FinishChunk(pick, status, chunk.bounce.size());
  }

  std::shared_ptr<SessionCore> session;
  Pick pick;
  PayloadIo::ChunkRead chunk;
  std::deque<Transfer> transfers;
  std::atomic<size_t> pending{0};
};

void SessionCore::RunLookUp(Operation* operation, LookUp mode) noexcept {
  const std::shared_ptr<SessionCore> self = operation->session;
  bool finished = true;
  const Status status = NoThrow([&]() -> Status {
    finished = LookUpKeys(*operation, mode);
    return {};
  });
  if (!finished) {
    operation->epoch.reset();  // a rollback must not wait for an operation in a queue
    hub_.QueueLookUp(operation);
    return;
  }
  Picks picks;
  {
    MutexLock lock(mu_);
    ++(mode == LookUp::kFromMemory ? stats_.reads_from_memory : stats_.reads_on_a_thread);
    ReadyPlaces ready;
    operation->fast ? order_.EndFastRead(ready) : order_.Begin(*operation, ready);
    (void)BeginReady(ready);  // after a look-up only writes may begin
    if (!status.ok() && operation->completion.status.ok()) operation->completion.status = status;
    Pick probe;
    if (operation->completion.status.ok() && NextChunk(*operation, &probe)) {
      for_device_.Push(operation);
      PickChunks(picks);
    } else {
      Complete(operation);
    }
  }
  StartChunks(picks);
}

bool SessionCore::LookUpKeys(Operation& operation, LookUp mode) {
  const SessionParts& parts = hub_.parts();
  if (mode == LookUp::kFromMemory) {
    operation.epoch.emplace(parts.epochs, std::try_to_lock);
    if (!operation.epoch->inside()) return false;
  } else {
    operation.epoch.emplace(parts.epochs);
  }
  if (const Status readable = parts.readable(); !readable.ok()) {
    operation.completion.status = readable;
    return true;
  }
  KeyIndex& index = *parts.core.index;
  operation.payload = parts.core.payload.get();
  for (size_t i = 0; i < operation.reads.size(); ++i) {
    const std::string& key = operation.reads[i].key;
    std::optional<Result<std::optional<IndexEntry>>>& found = operation.reads[i].found;
    if (key.empty() || key.size() > kMaxKeyBytes) {
      found = Status::InvalidArgument("a key has 1 to " + std::to_string(kMaxKeyBytes) + " bytes, not " +
                                      std::to_string(key.size()));
    } else if (mode == LookUp::kMayBlock) {
      found = index.Get(key);
    } else {
      found = index.GetFromMemory(key);
      if (!found.has_value()) return false;
    }
  }
  // Touches no memory of the caller before every look-up has finished, since those that block start again.
  for (size_t i = 0; i < operation.reads.size(); ++i) Answer(operation, i);
  parts.counters.gets.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void SessionCore::Answer(Operation& operation, size_t i) {
  Operation::Read& read = operation.reads[i];
  SessionAnswer& answer = operation.completion.answers[i];
  const Result<std::optional<IndexEntry>>& found = *read.found;
  answer.status = found.status();
  if (!found.ok()) return;
  if (!found->has_value()) {
    answer.status = Status::NotFound("no such key");
    return;
  }
  const IndexEntry& entry = **found;
  answer.written_by = entry.written_by;
  if (operation.completion.op == SessionOp::kExists) return;
  const uint64_t length = entry.value.length();
  if (length > read.out.size()) {
    answer.status = Status::InvalidArgument("the value has " + std::to_string(length) +
                                            " bytes, the buffer " + std::to_string(read.out.size()));
    return;
  }
  answer.bytes = length;
  if (entry.value.is_inline()) {
    if (length != 0) {
      std::memcpy(read.out.data(), std::get<std::string>(entry.value.data).data(), length);
    }
    return;
  }
  const PayloadRef& ref = std::get<PayloadRef>(entry.value.data);
  answer.status = operation.payload->CheckFitsDevice(ref).WithContext(KeyForMessage(read.key));
  if (answer.status.ok())
    read.job = {.ref = &ref, .offset = 0, .length = length, .out = read.out, .status = {}};
}

// Moves to the next chunk that is to be transferred, without passing over it.
bool SessionCore::NextChunk(Operation& operation, Pick* pick) {
  for (; operation.next_read < operation.reads.size(); ++operation.next_read, operation.next_chunk = 0) {
    const PayloadIo::ReadJob& job = operation.reads[operation.next_read].job;
    const bool failed = !operation.completion.answers[operation.next_read].status.ok();
    if (job.length == 0 || failed || operation.next_chunk > PayloadIo::LastChunk(job)) continue;
    const uint64_t begin = operation.next_chunk * kPayloadChunkBytes;
    const uint64_t bytes = std::min<uint64_t>(kPayloadChunkBytes, job.length - begin);
    *pick = {.operation = &operation,
             .read = operation.next_read,
             .chunk = operation.next_chunk,
             .bytes = AlignUp(bytes, kBlockAlign)};
    return true;
  }
  return false;
}

void SessionCore::PickChunks(Picks& out) {
  out.count = 0;
  while (out.count < out.picks.size() && !for_device_.empty()) {
    Operation* const operation = for_device_.front();
    Pick pick;
    if (!NextChunk(*operation, &pick)) {
      (void)for_device_.Pop();
      if (operation->chunks_under_way == 0) Complete(operation);
      continue;
    }
    const uint64_t in_flight = stats_.bytes_in_flight;
    if (in_flight != 0 && in_flight + pick.bytes > options_.bytes_in_flight_max) return;
    ++operation->next_chunk;
    ++operation->chunks_under_way;
    stats_.bytes_in_flight += pick.bytes;
    out.picks[out.count++] = pick;
  }
}

void SessionCore::StartChunks(const Picks& picks) noexcept {
  for (size_t i = 0; i < picks.count; ++i) {
    const Pick& pick = picks.picks[i];
    std::unique_ptr<ChunkRun> run;
    std::vector<IoQueue::Job*> jobs;
    const Status planned = NoThrow([&]() -> Status {
      Operation::Read& read = pick.operation->reads[pick.read];
      run = std::make_unique<ChunkRun>();
      run->session = shared_from_this();
      run->pick = pick;
      run->chunk = PayloadIo::MakeChunk(read.job, pick.chunk);
      std::vector<IoRequest> requests;
      pick.operation->payload->PlanChunk(run->chunk, requests);
      for (const IoRequest& request : requests) {
        jobs.push_back(&run->transfers.emplace_back(*run, request));
      }
      run->pending = jobs.size();
      return {};
    });
    if (planned.ok()) {
      (void)run.release();  // destroyed with its last transfer
      hub_.io().Submit(jobs);
    } else {
      FinishChunk(pick, planned, 0);
    }
  }
}

void SessionCore::FinishChunk(const Pick& pick, const Status& status, uint64_t bounced_bytes) noexcept {
  const std::shared_ptr<SessionCore> self = pick.operation->session;
  Picks picks;
  {
    MutexLock lock(mu_);
    Operation& operation = *pick.operation;
    SessionAnswer& answer = operation.completion.answers[pick.read];
    stats_.bytes_in_flight -= pick.bytes;
    (bounced_bytes == 0 ? stats_.direct_bytes : stats_.bounced_bytes) += pick.bytes;
    if (!status.ok() && answer.status.ok()) {
      answer.status =
          NoThrow([&] { return status.WithContext(KeyForMessage(operation.reads[pick.read].key)); });
      answer.bytes = 0;
    }
    // PickChunks completes an operation that is still in for_device_.
    if (--operation.chunks_under_way == 0 && for_device_.front() != &operation) Complete(&operation);
    PickChunks(picks);
  }
  StartChunks(picks);
}

}  // namespace rawkv
