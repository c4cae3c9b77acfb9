#include "base/thread.h"

#include <utility>

#include "base/check.h"
#include "base/exception_status.h"

namespace rawkv {

Status Thread::Start(std::function<void()> body) {
  RAWKV_CHECK(!thread_.joinable(), "one thread at a time");
  return NoThrow([&]() -> Status {
    thread_ = std::thread(std::move(body));
    return {};
  });
}

void Thread::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace rawkv
