#include "base/exception_status.h"

#include <exception>
#include <new>
#include <string>
#include <system_error>

namespace rawkv {
namespace {

constexpr const char* kOutOfMemory =
    "out of memory; give the process more memory (see ulimit -v) or use smaller batches and values";

// Allocated at program start, since there may be no memory for them later.
const Status kOutOfMemoryStatus = Status::IoError(kOutOfMemory);
const Status kUnnamedStatus = Status::Internal("an exception whose text does not fit into memory");

}  // namespace

Status StatusOfException() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return kOutOfMemoryStatus;
  } catch (const std::system_error& error) {
    try {
      // std::thread reports EAGAIN, both at the limit on threads and without memory for a stack.
      if (error.code() == std::errc::resource_unavailable_try_again) {
        return Status::IoError(
            "no more threads can be made; raise the limit on processes and threads (ulimit -u), or on "
            "memory (ulimit -v), for this user");
      }
      return Status::IoError(std::string("the system refused a request: ") + error.what());
    } catch (...) {
      return kOutOfMemoryStatus;
    }
  } catch (const std::exception& error) {
    try {
      return Status::Internal(std::string("unexpected exception: ") + error.what());
    } catch (...) {
      return kUnnamedStatus;
    }
  } catch (...) {
    return kUnnamedStatus;
  }
}

}  // namespace rawkv
