#include <fmt/format.h>

#include "tools/ctl/commands.h"
#include "tools/ctl/shell_completion.h"

namespace rawkv::ctl {

Result<ExitStatus> RunCompletion(Invocation& call) {
  const std::string& shell = call.arguments.front();
  std::string script;
  if (shell == "bash") {
    script = BashCompletion();
  } else if (shell == "zsh") {
    script = ZshCompletion();
  } else if (shell == "fish") {
    script = FishCompletion();
  } else {
    return Status::InvalidArgument(fmt::format("'{}' is not bash, zsh or fish", shell));
  }
  RAWKV_RETURN_IF_ERROR(call.out.Write(script));
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
