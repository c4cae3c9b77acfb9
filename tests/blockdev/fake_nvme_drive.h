#pragma once

#include <linux/nvme_ioctl.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "blockdev/nvme_node.h"
#include "blockdev/nvme_ring.h"
#include "blockdev/raw_io.h"

namespace rawkv {

// An NVMe drive in memory with one namespace. It decodes commands by the numbers of the specification and not
// with the code under test, executes them, and checks what a real drive checks. Thread-safe.
class FakeNvmeDrive {
 public:
  static constexpr uint32_t kNamespaceId = 3;

  explicit FakeNvmeDrive(uint64_t size_bytes, uint32_t block_shift = 9)
      : block_shift_(block_shift), content_(size_bytes) {
    SetBytes(controller, 24, "Fake Drive 1");
    std::memset(controller.data() + 24 + 12, ' ', 28);
    controller[520] = 0x04;  // dataset management
    controller[525] = 0x01;  // volatile write cache
    SetNumber(space, 0, size_bytes >> block_shift, 8);
    space[128 + 2] = static_cast<uint8_t>(block_shift);
    descriptors[0] = 4;  // command set identifier
    descriptors[1] = 1;
  }

  // Replaces the result of a later command with this opcode and first block: 0 executes it.
  void Answer(uint8_t opcode, uint64_t block, const std::vector<int64_t>& results) {
    std::lock_guard lock(mu_);
    for (const int64_t result : results) answers_[{opcode, block}].push_back(result);
  }

  int64_t ExecuteIo(const nvme_uring_cmd& command) {
    std::lock_guard lock(mu_);
    commands_.push_back(command);
    const uint64_t first = command.cdw10 | uint64_t{command.cdw11} << 32;
    const bool transfers = command.opcode == 1 || command.opcode == 2;
    auto& answers = answers_[{command.opcode, transfers ? first : 0}];
    if (!answers.empty()) {
      const int64_t answer = answers.front();
      answers.pop_front();
      if (answer != 0) return answer;
    }
    if (command.nsid != kNamespaceId) return 0x400b;
    switch (command.opcode) {
      case 0:
        return 0;
      case 1:
      case 2:
        return ExecuteTransfer(command, first);
      case 9:
        return ExecuteDatasetManagement(command);
      default:
        return 0x4001;
    }
  }

  int64_t ExecuteAdmin(const nvme_uring_cmd& command) {
    std::lock_guard lock(mu_);
    auto& answers = admin_answers_[static_cast<uint8_t>(command.cdw10)];
    if (!answers.empty()) {
      const int64_t answer = answers.front();
      answers.pop_front();
      if (answer != 0) return answer;
    }
    if (command.opcode != 6 || command.data_len != 4096) return 0x4001;
    const std::vector<uint8_t>* structure = command.cdw10 == 0   ? &space
                                            : command.cdw10 == 1 ? &controller
                                            : command.cdw10 == 3 ? &descriptors
                                                                 : nullptr;
    if (structure == nullptr) return 0x4002;
    if (command.cdw10 != 1 && command.nsid != kNamespaceId) return 0x400b;
    std::memcpy(reinterpret_cast<void*>(command.addr), structure->data(), structure->size());
    return 0;
  }
  void AnswerIdentify(uint8_t what, const std::vector<int64_t>& results) {
    std::lock_guard lock(mu_);
    for (const int64_t result : results) admin_answers_[what].push_back(result);
  }

  // The I/O commands so far, also those that failed, with this opcode.
  std::vector<nvme_uring_cmd> Commands(uint8_t opcode) {
    std::lock_guard lock(mu_);
    std::vector<nvme_uring_cmd> out;
    for (const nvme_uring_cmd& command : commands_) {
      if (command.opcode == opcode) out.push_back(command);
    }
    return out;
  }

  static void SetNumber(std::vector<uint8_t>& bytes, size_t at, uint64_t number, size_t length) {
    for (size_t i = 0; i < length; ++i) bytes[at + i] = static_cast<uint8_t>(number >> 8 * i);
  }
  static void SetBytes(std::vector<uint8_t>& bytes, size_t at, std::string_view text) {
    std::memcpy(bytes.data() + at, text.data(), text.size());
  }

  // The structures that identify returns. A test changes them before the open, or between two calls.
  std::vector<uint8_t> controller = std::vector<uint8_t>(4096);
  std::vector<uint8_t> space = std::vector<uint8_t>(4096);
  std::vector<uint8_t> descriptors = std::vector<uint8_t>(4096);

 private:
  int64_t ExecuteTransfer(const nvme_uring_cmd& command, uint64_t first) {
    const uint64_t length = ((command.cdw12 & 0xffff) + 1ull) << block_shift_;
    if (length != command.data_len) return 0x4002;
    if (first > content_.size() >> block_shift_) return 0x4080;
    const uint64_t at = first << block_shift_;
    if (length > content_.size() - at) return 0x4080;
    void* const memory = reinterpret_cast<void*>(command.addr);
    if (command.opcode == 1) {
      std::memcpy(content_.data() + at, memory, length);
    } else {
      std::memcpy(memory, content_.data() + at, length);
    }
    return 0;
  }

  int64_t ExecuteDatasetManagement(const nvme_uring_cmd& command) {
    if (command.cdw10 != 0 || command.cdw11 != 4 || command.data_len != 16) return 0x4002;
    uint32_t blocks = 0;
    uint64_t first = 0;
    std::memcpy(&blocks, reinterpret_cast<const char*>(command.addr) + 4, 4);
    std::memcpy(&first, reinterpret_cast<const char*>(command.addr) + 8, 8);
    if ((first + blocks) << block_shift_ > content_.size()) return 0x4080;
    std::memset(content_.data() + (first << block_shift_), 0, uint64_t{blocks} << block_shift_);
    return 0;
  }

  const uint32_t block_shift_;
  std::mutex mu_;
  std::vector<std::byte> content_;
  std::vector<nvme_uring_cmd> commands_;
  std::map<std::pair<uint8_t, uint64_t>, std::deque<int64_t>> answers_;
  std::map<uint8_t, std::deque<int64_t>> admin_answers_;
};

// The system calls of a process that has the fake drive open.
class FakeNvmeIo final : public RawIo {
 public:
  explicit FakeNvmeIo(std::shared_ptr<FakeNvmeDrive> drive) : drive_(std::move(drive)) {}
  int64_t NvmeIo(int, const nvme_uring_cmd& command) override { return drive_->ExecuteIo(command); }
  int64_t NvmeAdmin(int, const nvme_uring_cmd& command) override { return drive_->ExecuteAdmin(command); }
  int64_t NvmeNamespaceId(int) override { return FakeNvmeDrive::kNamespaceId; }

 private:
  const std::shared_ptr<FakeNvmeDrive> drive_;
};

// A ring of the fake drive. Commands complete in reverse order. At most `entries` can be queued.
class FakeNvmeRing final : public NvmeCommandRing {
 public:
  FakeNvmeRing(std::shared_ptr<FakeNvmeDrive> drive, uint32_t entries)
      : drive_(std::move(drive)), entries_(entries) {}

  bool Push(uint64_t tag, const nvme_uring_cmd& command) override { return Queue(tag, command); }
  bool PushWake(uint64_t tag) override { return Queue(tag, std::nullopt); }
  int Submit() override {
    std::lock_guard lock(mu_);
    const int count = static_cast<int>(queued_.size());
    for (; !queued_.empty(); queued_.pop_back()) {
      const auto& [tag, command] = queued_.back();
      ended_.push_back({.tag = tag, .result = command ? drive_->ExecuteIo(*command) : 0});
    }
    most_in_flight_ = std::max(most_in_flight_, count);
    changed_.notify_all();
    return count;
  }
  int Wait(int64_t timeout_ms) override {
    std::unique_lock lock(mu_);
    const auto ready = [this] { return !ended_.empty(); };
    if (timeout_ms < 0) return changed_.wait(lock, ready), 0;
    return changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), ready) ? 0 : -ETIME;
  }
  size_t Reap(std::span<Completion> out) override {
    std::lock_guard lock(mu_);
    size_t count = 0;
    for (; count < out.size() && !ended_.empty(); ended_.pop_front()) out[count++] = ended_.front();
    return count;
  }
  int most_in_flight() {
    std::lock_guard lock(mu_);
    return most_in_flight_;
  }

 private:
  bool Queue(uint64_t tag, std::optional<nvme_uring_cmd> command) {
    std::lock_guard lock(mu_);
    if (queued_.size() == entries_) return false;
    queued_.emplace_back(tag, command);
    return true;
  }

  const std::shared_ptr<FakeNvmeDrive> drive_;
  const uint32_t entries_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<std::pair<uint64_t, std::optional<nvme_uring_cmd>>> queued_;
  std::deque<Completion> ended_;
  int most_in_flight_ = 0;
};

}  // namespace rawkv
