#include "tools/ctl/hints.h"

#include <cstdlib>

#include "base/shell_word.h"

namespace rawkv::ctl {

std::string CompleteHints(std::string text, const Flags& flags) {
  constexpr std::string_view kOpening = "`rawkv-ctl ";
  std::string more;
  const char* const environment = std::getenv("RAWKV_STORE");
  if (flags.store.has_value() && (environment == nullptr || *flags.store != environment)) {
    more += " --store=" + ShellWord(*flags.store);
  }
  if (flags.device.has_value()) more += " --device=" + ShellWord(*flags.device);
  for (size_t at = text.find(kOpening); at != std::string::npos; at = text.find(kOpening, at)) {
    at += kOpening.size();
    const size_t end = text.find('`', at);
    if (end == std::string::npos) break;
    if (text.compare(at, 4, "help") == 0) continue;
    text.insert(end, more);
    at = end + more.size() + 1;
  }
  return text;
}

}  // namespace rawkv::ctl
