#pragma once

#include <memory>

#include "base/result.h"
#include "engine/engine.h"
#include "tools/ctl/command.h"

// The keys that a command works on.
namespace rawkv::ctl {

// The keys that --prefix, --from and --to select; all keys without these flags. kInvalidArgument if --to is
// not after --from.
Result<IteratorOptions> SelectedKeys(const Flags& flags);

// An iterator over the selected keys of --version or --time, or of the tip. It has no position yet. Destroy
// it before the engine is closed.
Result<std::unique_ptr<Iterator>> OpenSelection(Invocation& call, Engine& engine);

}  // namespace rawkv::ctl
