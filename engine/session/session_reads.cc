#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "base/exception_status.h"
#include "base/limits.h"
#include "engine/read/reader.h"
#include "engine/session/session_core.h"

namespace rawkv {
namespace {

constexpr size_t kKeptRunsMax = 64;

using Found = Result<std::optional<IndexEntry>>;

// Finds the value in the cache, as an entry with an inline value. `values` may be null.
bool FindCached(ValueCache* values, std::string_view key, ValueCache::Ticket* ticket,
                std::optional<Found>& found) {
  return values != nullptr && values->Find(key, ticket, [&](ConstBytes value, Version written_by) {
    found = Found(IndexEntry{written_by, {std::string(AsStringView(value)), std::nullopt}});
  });
}

void InsertInline(ValueCache* values, std::string_view key, const ValueCache::Ticket& ticket,
                  const Found& found) {
  if (values == nullptr || !found.ok() || !found->has_value() || !(*found)->value.is_inline()) return;
  values->Insert(key, ticket, AsBytes(std::get<std::string>((*found)->value.data)), (*found)->written_by);
}

}  // namespace

void ChunkRun::Plan() {
  Operation::Read& planned = operation->reads[read];
  chunk = PayloadIo::MakeChunk(planned.job, chunk_number);
  operation->payload->PlanChunk(chunk, requests);
  jobs.reserve(requests.size());
  jobs.push_back(&first.emplace(*this, requests.front()));
  for (size_t i = 1; i < requests.size(); ++i) {
    jobs.push_back(others.emplace_back(std::make_unique<Transfer>(*this, requests[i])).get());
  }
  pending = jobs.size();
}

void ChunkRun::HandleTransfer() {
  if (pending.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  Status status = first->status();
  for (const std::unique_ptr<Transfer>& transfer : others) {
    if (status.ok()) status = transfer->status();
  }
  if (status.ok()) status = NoThrow([&] { return operation->payload->FinishChunk(chunk); });
  session.FinishChunk(this, status);
}

void ChunkRun::Recycle() {
  chunk = {};
  requests.clear();
  jobs.clear();
  first.reset();
  others.clear();
}

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
  ChunkRun* runs = nullptr;
  {
    MutexLock lock(mu_);
    ++(mode == LookUp::kFromMemory ? stats_.reads_from_memory : stats_.reads_on_a_thread);
    ReadyPlaces ready;
    operation->fast ? order_.EndFastRead(ready) : order_.Begin(*operation, ready);
    (void)BeginReady(ready);  // after a look-up only writes may begin
    if (!status.ok() && operation->completion.status.ok()) operation->completion.status = status;
    if (operation->completion.status.ok() && NextChunk(*operation) != 0) {
      for_device_.Push(operation);
      runs = PickChunks();
    } else {
      Complete(operation);
    }
  }
  StartChunks(runs);
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
    } else if (ValueCache::Ticket ticket; !FindCached(parts.core.values.get(), key, &ticket, found)) {
      found = mode == LookUp::kMayBlock ? index.Get(key) : index.GetFromMemory(key);
      if (!found.has_value()) return false;
      InsertInline(parts.core.values.get(), key, ticket, *found);
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
  answer.status = operation.payload->CheckFitsDevice(ref);
  if (answer.status.ok()) {
    read.job = {.ref = &ref, .offset = 0, .length = length, .out = read.out, .status = {}};
  } else {
    answer.status = answer.status.WithContext(KeyForMessage(read.key));
  }
}

uint64_t SessionCore::NextChunk(Operation& operation) {
  for (; operation.next_read < operation.reads.size(); ++operation.next_read, operation.next_chunk = 0) {
    const PayloadIo::ReadJob& job = operation.reads[operation.next_read].job;
    const bool failed = !operation.completion.answers[operation.next_read].status.ok();
    if (job.length == 0 || failed || operation.next_chunk > PayloadIo::LastChunk(job)) continue;
    const uint64_t begin = operation.next_chunk * kPayloadChunkBytes;
    return AlignUp(std::min<uint64_t>(kPayloadChunkBytes, job.length - begin), kBlockAlign);
  }
  return 0;
}

ChunkRun* SessionCore::MakeRun() {
  ChunkRun* const kept = kept_runs_;
  if (kept == nullptr) return new (std::nothrow) ChunkRun(*this);
  kept_runs_ = kept->next;
  --kept_runs_count_;
  return kept;
}

ChunkRun* SessionCore::PickChunks() {
  ChunkRun* runs = nullptr;
  ChunkRun** end = &runs;
  const size_t on_ring_before = on_ring_;
  while (Operation* const operation = for_device_.front()) {
    const uint64_t bytes = NextChunk(*operation);
    if (bytes == 0) {
      (void)for_device_.Pop();
      if (operation->chunks_under_way == 0) Complete(operation);
      continue;
    }
    const uint64_t in_flight = stats_.bytes_in_flight;
    if (in_flight != 0 && in_flight + bytes > options_.bytes_in_flight_max) break;
    ChunkRun* const run = MakeRun();
    if (run == nullptr) {
      SessionAnswer& answer = operation->completion.answers[operation->next_read];
      answer.status = NoThrow([]() -> Status { throw std::bad_alloc(); });
      answer.bytes = 0;
      continue;
    }
    run->operation = operation;
    run->read = operation->next_read;
    run->chunk_number = operation->next_chunk++;
    run->bytes = bytes;
    run->own_ring = ring_ != nullptr && !polled_;
    run->next = nullptr;
    on_ring_ += run->own_ring ? 1 : 0;
    ++operation->chunks_under_way;
    stats_.bytes_in_flight += bytes;
    *end = run;
    end = &run->next;
  }
  // A thread that waits for an operation may have to reap now.
  if (on_ring_before == 0 && on_ring_ != 0 && waiters_ != 0) changed_.NotifyAll();
  return runs;
}

void SessionCore::StartChunks(ChunkRun* runs) noexcept {
  bool added = false;
  while (runs != nullptr) {
    ChunkRun* const run = runs;
    runs = run->next;
    const Status planned = NoThrow([&]() -> Status {
      run->Plan();
      return {};
    });
    if (!planned.ok()) {
      FinishChunk(run, planned);
    } else if (run->own_ring) {
      ring_->Add(run->jobs);
      added = true;
    } else {
      hub_.io().Submit(run->jobs);
    }
  }
  if (!added) return;
  // A thread that waits for the ring already passes nothing more to the kernel.
  ring_->Start(blocked_.load() ? ReapedRing::Pace::kNow : ReapedRing::Pace::kTogether);
  PassStrays();
}

void SessionCore::FinishChunk(ChunkRun* run, const Status& status) noexcept {
  Operation& operation = *run->operation;
  const std::shared_ptr<SessionCore> self = operation.session;
  ChunkRun* runs = nullptr;
  {
    MutexLock lock(mu_);
    SessionAnswer& answer = operation.completion.answers[run->read];
    stats_.bytes_in_flight -= run->bytes;
    on_ring_ -= run->own_ring ? 1 : 0;
    stats_.bounced_bytes += run->chunk.bounce.size();
    stats_.direct_bytes += run->bytes - run->chunk.bounce.size();
    for (const IoQueue::Job* job : run->jobs) stats_.registered_bytes += job->registered_bytes();
    if (!status.ok() && answer.status.ok()) {
      answer.status =
          NoThrow([&] { return status.WithContext(KeyForMessage(operation.reads[run->read].key)); });
      answer.bytes = 0;
    }
    run->Recycle();
    if (kept_runs_count_ == kKeptRunsMax) {
      delete run;
    } else {
      run->next = kept_runs_;
      kept_runs_ = run;
      ++kept_runs_count_;
    }
    // PickChunks completes an operation that is still in for_device_.
    if (--operation.chunks_under_way == 0 && for_device_.front() != &operation) Complete(&operation);
    runs = PickChunks();
  }
  StartChunks(runs);
}

}  // namespace rawkv
