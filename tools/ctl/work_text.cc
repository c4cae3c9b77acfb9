#include "tools/ctl/work_text.h"

#include <fmt/format.h>

#include <cmath>

#include "tools/cli/byte_size.h"
#include "tools/cli/text_format.h"

namespace rawkv::ctl {

std::string WorkText(const ReplayEstimate& work) {
  if (work.undo_versions != 0) {
    return fmt::format("next to none: undo records lead back over {}",
                       Counted(work.undo_versions, "version"));
  }
  if (work.replay_records == 0) return "next to none: no log is replayed";
  return fmt::format("about {:.0f} s: {} of log at {} a second ({})", std::ceil(work.seconds()),
                     HumanBytes(work.replay_bytes), HumanBytes(work.bytes_per_second),
                     work.measured ? "measured in this store" : "assumed");
}

void AnnounceView(Invocation& call, Engine& engine, Version version) {
  const Result<ReplayEstimate> work = engine.EstimateView(version);
  if (!work.ok() || work->seconds() <= 1) return;
  call.progress.Announce(
      fmt::format("rawkv-ctl: replaying the log to version {}: {}", version.value(), WorkText(*work)));
}

}  // namespace rawkv::ctl
