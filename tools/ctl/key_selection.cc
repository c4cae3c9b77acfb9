#include "tools/ctl/key_selection.h"

#include <fmt/format.h>

#include "tools/cli/text_format.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {

Result<IteratorOptions> SelectedKeys(const Flags& flags) {
  IteratorOptions keys;
  keys.prefix = flags.prefix.value_or("");
  keys.lower = flags.from.value_or("");
  keys.upper = flags.to.value_or("");
  if (!keys.upper.empty() && keys.upper <= keys.lower) {
    return Status::InvalidArgument(fmt::format("--to: '{}' is not after --from, '{}', in byte order",
                                               EscapeKey(keys.upper), EscapeKey(keys.lower)));
  }
  return keys;
}

Result<std::unique_ptr<Iterator>> OpenSelection(Invocation& call, Engine& engine) {
  RAWKV_ASSIGN_OR_RETURN(IteratorOptions options, SelectedKeys(call.flags));
  RAWKV_ASSIGN_OR_RETURN(options.view, OpenViewOf(call, engine));
  return engine.NewIterator(options);
}

}  // namespace rawkv::ctl
