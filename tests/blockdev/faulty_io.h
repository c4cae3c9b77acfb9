#pragma once

#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "blockdev/io_seams.h"

namespace rawkv {

// Results that replace those of the system, in order, by device offset: a negated errno, or fewer bytes than
// requested. Thread-safe.
class FaultPlan {
 public:
  void Add(uint64_t offset, const std::vector<int64_t>& answers) {
    std::lock_guard lock(mu_);
    for (const int64_t answer : answers) answers_[offset].push_back(answer);
  }
  std::optional<int64_t> Take(uint64_t offset) {
    std::lock_guard lock(mu_);
    const auto it = answers_.find(offset);
    if (it == answers_.end() || it->second.empty()) return std::nullopt;
    const int64_t answer = it->second.front();
    it->second.pop_front();
    return answer;
  }
  bool Empty() {
    std::lock_guard lock(mu_);
    for (const auto& [offset, left] : answers_) {
      if (!left.empty()) return false;
    }
    return true;
  }
  int64_t sync_answer = 0;
  int syncs = 0;

 private:
  std::mutex mu_;
  std::map<uint64_t, std::deque<int64_t>> answers_;
};

// One faulty call. Bytes past the reported count are written as garbage to the device, or are not delivered
// to the reader. So a test detects a caller that does not continue at the right place.
class FaultyCall {
 public:
  FaultyCall(IoKind kind, Bytes real, int64_t answer)
      : kind_(kind), real_(real), answer_(answer), stand_in_(real.size()) {
    std::memset(stand_in_.data(), 0xEE, stand_in_.size());
    if (kind_ == IoKind::kWrite) std::memcpy(stand_in_.data(), real_.data(), Moved());
  }
  Bytes buffer() { return stand_in_.bytes(); }
  int64_t Finish() {
    if (kind_ == IoKind::kRead) std::memcpy(real_.data(), stand_in_.data(), Moved());
    return answer_;
  }

 private:
  size_t Moved() const { return answer_ > 0 ? static_cast<size_t>(answer_) : 0; }

  const IoKind kind_;
  const Bytes real_;
  const int64_t answer_;
  AlignedBuffer stand_in_;
};

class FaultyRawIo final : public RawIo {
 public:
  explicit FaultyRawIo(std::shared_ptr<FaultPlan> plan) : plan_(std::move(plan)) {}

  int64_t ReadAt(int fd, uint64_t offset, Bytes out) override {
    const auto fault = plan_->Take(offset);
    if (!fault) return RawIo::ReadAt(fd, offset, out);
    FaultyCall call(IoKind::kRead, out, *fault);
    RawIo::ReadAt(fd, offset, call.buffer());
    return call.Finish();
  }
  int64_t WriteAt(int fd, uint64_t offset, ConstBytes bytes) override {
    const auto fault = plan_->Take(offset);
    if (!fault) return RawIo::WriteAt(fd, offset, bytes);
    FaultyCall call(IoKind::kWrite, {const_cast<std::byte*>(bytes.data()), bytes.size()}, *fault);
    RawIo::WriteAt(fd, offset, call.buffer());
    return call.Finish();
  }
  int64_t DataSync(int fd) override {
    ++plan_->syncs;
    return plan_->sync_answer != 0 ? plan_->sync_answer : RawIo::DataSync(fd);
  }

 private:
  const std::shared_ptr<FaultPlan> plan_;
};

// A real ring that changes completions. `answer` chooses the result that replaces that of a call.
class FaultyRing : public IoRing {
 public:
  using Answer = std::function<std::optional<int64_t>(const Call&)>;
  FaultyRing(std::unique_ptr<IoRing> real, Answer answer)
      : real_(std::move(real)), answer_(std::move(answer)) {}

  bool Push(const Call& call) override {
    const auto fault = answer_(call);
    if (!fault) return real_->Push(call);
    auto faulty = std::make_unique<FaultyCall>(call.kind, call.buffer, *fault);
    Call instead = call;
    instead.buffer = faulty->buffer();
    if (!real_->Push(instead)) return false;
    faulty_[call.tag] = std::move(faulty);
    return true;
  }
  int Submit() override { return real_->Submit(); }
  bool PushWake(uint64_t tag) override { return real_->PushWake(tag); }
  int Wait(int64_t timeout_ms) override { return real_->Wait(timeout_ms); }
  size_t Reap(std::span<Completion> out) override {
    const size_t count = real_->Reap(out);
    for (Completion& completion : out.first(count)) {
      const auto it = faulty_.find(completion.tag);
      if (it == faulty_.end()) continue;
      completion.result = it->second->Finish();
      faulty_.erase(it);
    }
    return count;
  }

 private:
  const std::unique_ptr<IoRing> real_;
  const Answer answer_;
  std::map<uint64_t, std::unique_ptr<FaultyCall>> faulty_;
};

inline IoSeams FaultySeams(const std::shared_ptr<FaultPlan>& plan) {
  return {
      .raw = std::make_shared<FaultyRawIo>(plan),
      .make_ring = [plan](int fd, uint32_t entries) -> Result<std::unique_ptr<IoRing>> {
        RAWKV_ASSIGN_OR_RETURN(auto real, MakeIoUringRing(fd, entries));
        return std::unique_ptr<IoRing>(std::make_unique<FaultyRing>(
            std::move(real), [plan](const IoRing::Call& call) { return plan->Take(call.offset.value()); }));
      }};
}

}  // namespace rawkv
