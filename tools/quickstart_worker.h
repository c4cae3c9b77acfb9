#pragma once

#include <cstdint>

#include "tools/quickstart_compare.h"
#include "tools/quickstart_replay.h"

namespace rawkv::quickstart {

// What a worker tells over its pipe, in this order: kOpened, kCompared, then kBegun and kCommitted in
// turn, and at its end kDone or kFailed. One event is one write(2) below PIPE_BUF, so a killed worker
// leaves whole events only.
struct WorkerEvent {
  enum class Kind : uint32_t { kOpened, kCompared, kBegun, kCommitted, kDone, kFailed };
  Kind kind = Kind::kFailed;
  StatusCode code = StatusCode::kOk;  // kFailed
  uint64_t version = 0;
  uint64_t nanoseconds = 0;  // kOpened, kCommitted: how long it took
  uint64_t keys = 0;         // kCompared
  uint64_t value_bytes = 0;
  char text[1000] = {};  // kFailed
};
static_assert(sizeof(WorkerEvent) <= 4096, "an event must be one atomic write to a pipe");

// The life of a worker: opens the store, compares its tip with the history, replays what is missing,
// closes. Meant for a forked process, to be killed at any moment. Returns its exit status.
int RunWorker(const ReplayPlan& plan, int event_fd);

// The settings that every open of this program uses.
OpenOptions QuickstartOpenOptions();

// kCorruption, with the first differences, unless the comparison found none.
Status RequireEqual(const Comparison& comparison);

}  // namespace rawkv::quickstart
