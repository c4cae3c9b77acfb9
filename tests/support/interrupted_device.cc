#include "tests/support/interrupted_device.h"

#include <cerrno>
#include <map>
#include <memory>

#include "blockdev/io_seams.h"
#include "tests/blockdev/faulty_io.h"
#include "tests/support/interrupted_calls.h"

namespace rawkv {
namespace {

class InterruptedRing final : public IoRing {
 public:
  explicit InterruptedRing(std::unique_ptr<IoRing> real) : real_(std::move(real)) {}

  bool Push(const Call& call) override {
    const int64_t answer = InterruptionFor("ring completion", call.buffer.size());
    if (answer == 0) return real_->Push(call);
    auto faulty = std::make_unique<FaultyCall>(call.kind, call.buffer, answer);
    Call instead = call;
    instead.buffer = faulty->buffer();
    if (!real_->Push(instead)) return false;
    faulty_[call.tag] = std::move(faulty);
    return true;
  }
  int Submit() override {
    const int64_t answer = InterruptionFor("ring submit", 1);
    return answer < 0 ? static_cast<int>(answer) : real_->Submit();
  }
  int Wait() override { return InterruptionFor("ring wait", 1) < 0 ? -EINTR : real_->Wait(); }
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
  std::map<uint64_t, std::unique_ptr<FaultyCall>> faulty_;
};

}  // namespace

Result<OpenedDevice> OpenInterruptedDevice(const std::string& path, const DeviceOpenOptions& options) {
  IoSeams seams;
  seams.make_ring = [](int fd, uint32_t entries) -> Result<std::unique_ptr<IoRing>> {
    RAWKV_ASSIGN_OR_RETURN(std::unique_ptr<IoRing> real, MakeIoUringRing(fd, entries));
    return std::unique_ptr<IoRing>(std::make_unique<InterruptedRing>(std::move(real)));
  };
  return OpenBlockDevice(path, options, seams);
}

}  // namespace rawkv
