#pragma once

#include <type_traits>
#include <utility>

#include "base/result.h"
#include "base/status.h"

namespace rawkv {

// Converts the exception that is being handled. Call it only in a catch block.
//   std::bad_alloc                         kIoError "out of memory"
//   std::system_error for a new thread     kIoError that names the limit on threads
//   any other exception                    kInternal with the exception's text
// Works without free memory: if the text cannot be allocated, returns a Status that was made at program
// start.
Status StatusOfException() noexcept;

// Calls `call` and returns its Status or Result. Converts an exception to an error of that type.
//
// No exception leaves a public function: each ends in `catch (...)` with StatusOfException. NoThrow is for
// inner steps after whose error the caller has more work to do.
template <typename Call>
std::invoke_result_t<Call> NoThrow(Call&& call) noexcept {
  try {
    return std::forward<Call>(call)();
  } catch (...) {
    return StatusOfException();
  }
}

}  // namespace rawkv
