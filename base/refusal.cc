#include "base/refusal.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace rawkv {
namespace {

struct Refusal {
  int error;
  std::string_view advice;
};

constexpr Refusal kRefusals[] = {
    {EACCES, "check owner and mode of the path, and which user runs rawkv"},
    {EPERM, "check owner, attributes (lsattr) and mount of the path, and which user runs rawkv"},
    {EBUSY, "the path is a mount point, or a program holds it; release it and try again"},
    {EMFILE, "raise the process's limit of open files (ulimit -n) and try again"},
    {ENFILE, "raise the system's limit of open files (fs.file-max) and try again"},
    {ENOMEM, "free memory and try again"},
    {EAGAIN, "try again"},
    {EINTR, "try again"},
    {ESTALE, "mount the file server's filesystem again and try again"},
    {ETIMEDOUT, "try again when the file server answers"},
};

}  // namespace

std::string_view RefusalAdvice(int error) {
  for (const Refusal& refusal : kRefusals) {
    if (refusal.error == error) return refusal.advice;
  }
  return {};
}

std::string_view RefusalAdviceIn(std::string_view message) {
  for (const Refusal& refusal : kRefusals) {
    const std::string reason = ": " + std::generic_category().message(refusal.error);
    if (message.find(reason) != std::string_view::npos) return refusal.advice;
  }
  return {};
}

}  // namespace rawkv
