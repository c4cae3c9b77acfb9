#include "tests/support/interrupted_device.h"

#include <cerrno>
#include <memory>
#include <optional>

#include "blockdev/io_seams.h"
#include "tests/blockdev/faulty_io.h"
#include "tests/support/interrupted_calls.h"

namespace rawkv {
namespace {

std::optional<int64_t> InterruptedCompletion(const IoRing::Call& call) {
  const int64_t answer = InterruptionFor("ring completion", call.buffer.size());
  return answer == 0 ? std::nullopt : std::optional(answer);
}

class InterruptedRing final : public FaultyRing {
 public:
  explicit InterruptedRing(std::unique_ptr<IoRing> real)
      : FaultyRing(std::move(real), InterruptedCompletion) {}

  int Submit() override {
    const int64_t answer = InterruptionFor("ring submit", 1);
    return answer < 0 ? static_cast<int>(answer) : FaultyRing::Submit();
  }
  int Wait(int64_t timeout_ms) override {
    return InterruptionFor("ring wait", 1) < 0 ? -EINTR : FaultyRing::Wait(timeout_ms);
  }
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
