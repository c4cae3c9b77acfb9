#include "tools/ctl/commands.h"

namespace rawkv::ctl {

Result<ExitStatus> RunDiff(Invocation& call) {
  if (!call.flags.from.has_value() || !call.flags.to.has_value()) {
    return Status::InvalidArgument("which versions? give --from=A and --to=B");
  }
  return Status::NotSupported("not supported yet; compare two `rawkv-ctl scan --sha256 --version=N`");
}

}  // namespace rawkv::ctl
