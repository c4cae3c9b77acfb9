#include <fmt/format.h>

#include <string>
#include <vector>

#include "engine/admin/inspect.h"
#include "report/metrics.h"
#include "tools/cli/interrupt.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/watch_rows.h"

namespace rawkv::ctl {
namespace {

std::string AsText(const Figures& figures) {
  std::string text;
  for (const Figure& figure : figures) text += fmt::format("{:<22} {}\n", figure.name, figure.value);
  return text;
}

struct Sample {
  EngineInfo info;
  std::vector<LogSegmentRow> segments;
  EngineStats stats;  // of this opening
};

std::string SampleJson(const Sample& sample) {
  return JsonText({{"store", FiguresJson(SizesOf(sample.info, sample.segments))},
                   {"since_open", FiguresJson(CountersAndRateOf(sample.stats))}}) +
         '\n';
}

std::string SampleText(const Sample& sample) {
  return "the store\n" + AsText(SizesOf(sample.info, sample.segments)) + "\nsince this opening\n" +
         AsText(CountersAndRateOf(sample.stats));
}

Result<Sample> TakeSample(Invocation& call, const std::string& dir) {
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  Sample sample;
  RAWKV_ASSIGN_OR_RETURN(sample.info, engine->Info());
  sample.stats = engine->stats();
  RAWKV_ASSIGN_OR_RETURN(sample.segments, ListLog(dir, OpenOptionsOf(call)));
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return sample;
}

// Prints a sample every `seconds` until a signal ends it. Each sample opens the store again, so that nothing
// is held between two samples: neither a lock nor a version.
Result<ExitStatus> Watch(Invocation& call, const std::string& dir, uint64_t seconds) {
  HoldSignals();
  RateMeter meter;
  for (uint64_t row = 0;; ++row) {
    RAWKV_ASSIGN_OR_RETURN(const Sample sample, TakeSample(call, dir));
    if (call.flags.json) {
      RAWKV_RETURN_IF_ERROR(call.out.Write(SampleJson(sample)));
    } else {
      if (row == 0 || (call.out.terminal() && row % kRowsPerHeader == 0)) {
        RAWKV_RETURN_IF_ERROR(call.out.Line(WatchHeader()));
      }
      const WatchFigures watched = WatchFiguresOf(sample.info, sample.segments);
      RAWKV_RETURN_IF_ERROR(call.out.Line(WatchLine(watched, meter.Add(watched))));
    }
    RAWKV_RETURN_IF_ERROR(call.out.Flush());
    if (WaitForInterrupt(seconds * 1000)) return ExitStatus::kDone;
  }
}

}  // namespace

Result<ExitStatus> RunStats(Invocation& call) {
  const Flags& flags = call.flags;
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(flags));
  if (flags.prometheus && (flags.json || flags.watch.has_value())) {
    return Status::InvalidArgument("--prometheus stands alone, without --json and --watch");
  }
  if (flags.watch.has_value()) return Watch(call, dir, *flags.watch);
  RAWKV_ASSIGN_OR_RETURN(const Sample sample, TakeSample(call, dir));
  RAWKV_RETURN_IF_ERROR(call.out.Write(flags.prometheus ? PrometheusText(sample.info, sample.segments)
                                       : flags.json     ? SampleJson(sample)
                                                        : SampleText(sample)));
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
