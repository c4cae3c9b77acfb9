#include "tools/ctl/confirm.h"

#include <unistd.h>

#include <string>

#include "tools/cli/input.h"

namespace rawkv::ctl {
namespace {

Status WriteToTerminal(std::string_view text) {
  const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  return written == static_cast<ssize_t>(text.size()) ? Status::Ok()
                                                      : Status::IoError("cannot write to the terminal");
}

}  // namespace

Status Confirm(Invocation& call, std::string_view plan, std::string_view warning) {
  if (call.flags.yes) return Status::Ok();
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1) {
    return Status::FailedPrecondition(
        "refused (no confirmation): give --yes, or run the command on a terminal");
  }
  RAWKV_RETURN_IF_ERROR(
      WriteToTerminal(std::string(plan) + std::string(warning) + " Type yes to continue: "));
  RAWKV_ASSIGN_OR_RETURN(Input terminal, Input::Open("-"));
  LineReader lines(std::move(terminal));
  RAWKV_ASSIGN_OR_RETURN(const auto answer, lines.Next());
  if (answer == "yes" || answer == "y") return Status::Ok();
  return Status::FailedPrecondition("refused (no confirmation): nothing changed");
}

}  // namespace rawkv::ctl
