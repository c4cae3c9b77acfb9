#include "engine/cache/cache_session.h"

#include <algorithm>
#include <array>

#include "base/exception_status.h"

namespace rawkv {
namespace {

constexpr uint64_t kNoId = UINT64_MAX;

}  // namespace

uint64_t ObjectCompletion::hit_prefix() const {
  const auto miss = std::find_if(answers.begin(), answers.end(), [](const ObjectAnswer& answer) {
    return answer.verdict != ObjectVerdict::kDone;
  });
  return static_cast<uint64_t>(miss - answers.begin());
}

Status CacheSession::CheckOpen(size_t keys) const {
  if (closed_) return Status::FailedPrecondition("the session of the cache is closed");
  if (keys == 0) return Status::InvalidArgument("an operation of the cache names no key");
  if (undrained_ >= operations_max_) {
    return Status::Busy("the session has " + std::to_string(undrained_) +
                        " operations that are not drained; drain, and submit again");
  }
  return Status::Ok();
}

template <typename Begin, typename Submit>
Result<uint64_t> CacheSession::Accept(ObjectOp kind, size_t keys, const Begin& begin, const Submit& submit) {
  return NoThrow([&]() -> Result<uint64_t> {
    MutexLock lock(mu_);
    RAWKV_RETURN_IF_ERROR(CheckOpen(keys));
    CacheOperation op{.id = last_id_ + 1, .op = kind};
    const Status passed = NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS -> Status {
      begin(op);
      if (!op.parts.empty()) return submit(op);
      (void)core_.End(op, SessionCompletion());
      return Pass(op, [&] { return below_->SubmitExists(std::array{std::string_view(&kReservedByte, 1)}); });
    });
    if (!passed.ok()) {
      core_.Abandon(op, passed);
      return passed;
    }
    ++undrained_;
    return ++last_id_;
  });
}

template <typename Submit>
Status CacheSession::Pass(CacheOperation& op, const Submit& submit) {
  // What needs memory comes before the submission.
  under_way_.reserve(under_way_.size() + 1);
  auto node = under_way_.extract(under_way_.try_emplace(kNoId).first);
  RAWKV_ASSIGN_OR_RETURN(node.key(), submit());
  node.mapped() = std::move(op);
  under_way_.insert(std::move(node));
  return Status::Ok();
}

Status CacheSession::PassPut(CacheOperation& op) {
  WriteBatch batch;
  core_.FillBatch(op, batch);
  return Pass(op, [&] { return below_->SubmitCommit(std::move(batch)); });
}

Result<uint64_t> CacheSession::SubmitPut(std::span<const ObjectPut> puts) {
  return Accept(
      ObjectOp::kPut, puts.size(), [&](CacheOperation& op) { core_.BeginPut(puts, op); },
      [&](CacheOperation& op) RAWKV_NO_THREAD_SAFETY_ANALYSIS -> Status {
        if (core_.Admit(op)) return PassPut(op);
        Await(std::move(op));
        return Status::Ok();
      });
}

Result<uint64_t> CacheSession::SubmitGet(std::span<const SessionRead> reads) {
  std::vector<SessionRead> wanted;
  return Accept(
      ObjectOp::kGet, reads.size(), [&](CacheOperation& op) { core_.BeginGet(reads, op, wanted); },
      [&](CacheOperation& op)
          RAWKV_NO_THREAD_SAFETY_ANALYSIS { return Pass(op, [&] { return below_->SubmitGet(wanted); }); });
}

Result<uint64_t> CacheSession::SubmitExists(std::span<const std::string_view> keys, bool pin) {
  std::vector<std::string_view> wanted;
  std::vector<uint32_t> pinned;
  const Result<uint64_t> id = Accept(
      ObjectOp::kExists, keys.size(),
      [&](CacheOperation& op) { core_.BeginExists(keys, op, wanted, pin ? &owner_ : nullptr, &pinned); },
      [&](CacheOperation& op) RAWKV_NO_THREAD_SAFETY_ANALYSIS {
        if (pin) pins_.reserve(pins_.size() + pinned.size());
        RAWKV_RETURN_IF_ERROR(Pass(op, [&] { return below_->SubmitExists(wanted); }));
        for (const uint32_t object : pinned) ++pins_[object];
        return Status::Ok();
      });
  if (!id.ok()) {
    for (const uint32_t object : pinned) core_.Unpin(object, owner_);
  }
  return id;
}

Result<uint64_t> CacheSession::SubmitDelete(std::span<const std::string_view> keys) {
  return Accept(
      ObjectOp::kDelete, keys.size(), [&](CacheOperation& op) { core_.BeginDelete(keys, op); },
      [&](CacheOperation& op) RAWKV_NO_THREAD_SAFETY_ANALYSIS { return PassPut(op); });
}

Result<bool> CacheSession::Pin(std::string_view key) {
  return NoThrow([&]() -> Result<bool> {
    MutexLock lock(mu_);
    if (closed_) return Status::FailedPrecondition("the session of the cache is closed");
    uint32_t object = 0;
    if (!core_.Pin(key, owner_, &object)) return false;
    ++pins_[object];
    return true;
  });
}

Result<bool> CacheSession::Unpin(std::string_view key) {
  return NoThrow([&]() -> Result<bool> {
    MutexLock lock(mu_);
    // A pinned object keeps its number.
    const auto pin = pins_.find(core_.Find(key));
    if (pin == pins_.end()) return false;
    core_.Unpin(pin->first, owner_);
    if (--pin->second == 0) pins_.erase(pin);
    return true;
  });
}

void CacheSession::Await(CacheOperation&& op) {
  ++waiting_;
  core_.Await(
      {.op = std::move(op), .owner = this, .resume = [this](CacheOperation&& ready, const Status& status) {
         Resume(std::move(ready), status);
       }});
}

void CacheSession::Resume(CacheOperation&& op, const Status& status) {
  MutexLock lock(mu_);
  Status passed = status;
  if (passed.ok() && closed_) passed = Status::FailedPrecondition("the session of the cache is closed");
  if (passed.ok()) {
    passed = NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS { return PassPut(op); });
  }
  if (!passed.ok()) {
    core_.Abandon(op, passed);
    Finish(std::move(op));
  }
  --waiting_;
  put_resumed_.NotifyAll();
}

void CacheSession::Finish(CacheOperation&& op) {
  const Status carried = NoThrow([&]() RAWKV_NO_THREAD_SAFETY_ANALYSIS {
    return Pass(op, [&] { return below_->SubmitExists(std::array{std::string_view(&kReservedByte, 1)}); });
  });
  // The session below is closed: whoever closed it drains without waiting for the descriptor.
  if (!carried.ok()) ready_.push_back({op.id, op.op, std::move(op.status), std::move(op.answers)});
}

void CacheSession::Take(SessionCompletion& done) {
  const auto it = under_way_.find(done.id);
  CacheOperation op = std::move(it->second);
  under_way_.erase(it);
  if (op.begun && !core_.End(op, done)) {
    if (!closed_) return Await(std::move(op));
    core_.Abandon(op, op.status);
  }
  ready_.push_back({op.id, op.op, std::move(op.status), std::move(op.answers)});
}

size_t CacheSession::Drain(std::span<ObjectCompletion> out) {
  std::array<SessionCompletion, 16> done;
  size_t filled = 0;
  while (filled < out.size()) {
    const size_t count = below_->Drain(std::span(done).first(std::min(done.size(), out.size() - filled)));
    MutexLock lock(mu_);
    for (size_t i = 0; i < count; ++i) Take(done[i]);
    for (; !ready_.empty() && filled < out.size(); ++filled) {
      out[filled] = std::move(ready_.front());
      ready_.pop_front();
      --undrained_;
    }
    if (count == 0) break;
  }
  return filled;
}

bool CacheSession::Wait(int64_t timeout_ms) {
  {
    MutexLock lock(mu_);
    if (!ready_.empty()) return true;
  }
  while (!below_->Wait(timeout_ms)) {
    // A put that waits for room is not in the session below.
    MutexLock lock(mu_);
    if (!ready_.empty()) return true;
    if (waiting_ == 0) {
      // The keeper may have passed it on since.
      if (timeout_ms < 0 && !under_way_.empty()) continue;
      return false;
    }
    if (timeout_ms < 0) {
      put_resumed_.Wait(mu_);
    } else if (!put_resumed_.WaitForMs(mu_, timeout_ms)) {
      return false;
    }
  }
  return true;
}

Status CacheSession::Close() {
  {
    MutexLock lock(mu_);
    if (closed_) return Status::Ok();
    closed_ = true;
    for (CacheCore::Waiting& waiting : core_.CancelWaiting(this)) {
      core_.Abandon(waiting.op,
                    Status::FailedPrecondition("the session was closed while the put waited for room"));
      ready_.push_back(
          {waiting.op.id, waiting.op.op, std::move(waiting.op.status), std::move(waiting.op.answers)});
      --waiting_;
    }
    while (waiting_ != 0) put_resumed_.Wait(mu_);
  }
  const Status closed = below_->Close();
  std::array<SessionCompletion, 16> done;
  while (const size_t count = below_->Drain(done)) {
    MutexLock lock(mu_);
    for (size_t i = 0; i < count; ++i) Take(done[i]);
  }
  MutexLock lock(mu_);
  for (const auto& [object, count] : pins_) {
    for (uint64_t i = 0; i < count; ++i) core_.Unpin(object, owner_);
  }
  pins_.clear();
  return closed;
}

}  // namespace rawkv
