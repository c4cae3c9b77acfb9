#include "tools/ctl/commands.h"

namespace rawkv::ctl {

Result<ExitStatus> RunDiff(Invocation& call) {
  if (!call.flags.from.has_value() || !call.flags.to.has_value()) {
    return Status::InvalidArgument("the versions are missing; give --from=A and --to=B");
  }
  return Status::NotSupported(
      "not supported yet; compare the output of `rawkv-ctl scan --sha256 --version=N` for both versions");
}

}  // namespace rawkv::ctl
