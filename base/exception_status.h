#pragma once

#include <type_traits>
#include <utility>

#include "base/result.h"
#include "base/status.h"

namespace rawkv {

// The error that the exception under way stands for; call it in a catch block only.
//   std::bad_alloc                         kIoError "out of memory"
//   std::system_error for a new thread     kIoError that names the limit on threads
//   any other exception                    kInternal with the exception's text
// Needs no memory: without memory for the text it answers with a Status made at program start.
Status StatusOfException() noexcept;

// Calls `call` and returns its Status or Result. An exception becomes an error of that type.
//
// No exception leaves a public function. The public functions end in `catch (...)` with
// StatusOfException; NoThrow is for the steps inside, where work goes on after the error.
template <typename Call>
std::invoke_result_t<Call> NoThrow(Call&& call) noexcept {
  try {
    return std::forward<Call>(call)();
  } catch (...) {
    return StatusOfException();
  }
}

}  // namespace rawkv
