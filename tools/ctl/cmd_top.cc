#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/admin/inspect.h"
#include "report/json_text.h"
#include "tools/cli/byte_size.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/text_format.h"
#include "tools/cli/time_text.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/watch_rows.h"

namespace rawkv::ctl {
namespace {

// What `top` shows at one moment. It comes from files alone: STATUS, the log's segments, and the snapshots.
struct Moment {
  EngineInfo info;
  std::vector<LogSegmentRow> segments;
  WatchFigures figures;
  WatchRates rates;
};

const WriterStatus* StatusOf(const EngineInfo& info) {
  return info.writer.has_value() && info.writer->status.has_value() ? &*info.writer->status : nullptr;
}

// "scrub 30% of 1.2 GiB", "snapshot".
std::string ActivityText(const WriterActivity& activity) {
  if (activity.total == 0) return activity.what;
  const double share = 100.0 * static_cast<double>(activity.done) / static_cast<double>(activity.total);
  const std::string total =
      activity.what == "replay" ? Counted(activity.total, "version") : HumanBytes(activity.total);
  return fmt::format("{} {:.0f}% of {}", activity.what, share, total);
}

std::string ActivitiesText(const EngineInfo& info) {
  std::vector<std::string> texts;
  if (const WriterStatus* const status = StatusOf(info)) {
    for (const WriterActivity& activity : status->activities) texts.push_back(ActivityText(activity));
  }
  return OneLine(fmt::format("{}", fmt::join(texts, ", ")));
}

std::string WriterText(const EngineInfo& info, uint64_t now_unix_ms) {
  if (!info.writer.has_value()) return "none";
  std::string text = fmt::format("process {} on {}", info.writer->pid, OneLine(info.writer->host));
  const WriterStatus* const status = StatusOf(info);
  if (status == nullptr) return text + ", has not reported";
  const uint64_t seconds = (now_unix_ms - std::min(now_unix_ms, status->opened_unix_ms)) / 1000;
  return text + fmt::format(", {} for {}", status->state, seconds == 0 ? "0s" : DurationText(seconds));
}

std::string RateText(const std::optional<double>& rate, std::string_view unit) {
  return rate.has_value() ? fmt::format(", {:.1f} {}/s", *rate, unit) : "";
}

std::string Screen(const Moment& now, const std::string& dir) {
  const EngineInfo& info = now.info;
  const WatchFigures& f = now.figures;
  const uint64_t unix_ms = SystemClock().NowUnixMs();
  const std::string current = info.current.has_value() ? ToString(*info.current) : "none";
  const std::string log_rate =
      now.rates.log_bytes_per_second.has_value()
          ? fmt::format(", {}/s", HumanBytes(static_cast<uint64_t>(*now.rates.log_bytes_per_second)))
          : "";
  std::string text = fmt::format("{}  {}\n\n", OneLine(dir), UtcTime(unix_ms));
  const auto line = [&text](std::string_view label, const std::string& value) {
    text += fmt::format("{:<11} {}\n", label, value);
  };
  line("health", OneLine(info.health));
  line("writer", WriterText(info, unix_ms));
  line("version", fmt::format("{}, durable {}{}", f.version, info.durable_version.value(),
                              RateText(now.rates.versions_per_second, "versions")));
  line("log",
       fmt::format("{} in {}{}", HumanBytes(f.log_bytes), Counted(now.segments.size(), "segment"), log_rate));
  line("snapshots", fmt::format("{}, current {}", f.snapshots, current));
  if (const WriterStatus* const status = StatusOf(info); status != nullptr && status->slots_total > 0) {
    line("slots", fmt::format("{} of {} free ({}%)", status->slots_free, status->slots_total,
                              status->slots_free * 100 / status->slots_total));
  }
  line("payload",
       fmt::format("{} live, {} pinned, {} free at version {}", HumanBytes(f.live_bytes),
                   HumanBytes(f.pinned_bytes), HumanBytes(f.free_bytes), info.slots.at_version.value()));
  const std::string activities = ActivitiesText(info);
  line("under way", activities.empty() ? "nothing" : activities);
  return text;
}

OrderedJson RateJson(const std::optional<double>& rate) {
  return rate.has_value() ? OrderedJson(*rate) : OrderedJson(nullptr);
}

std::string RowJson(const Moment& now) {
  OrderedJson activities = OrderedJson::array();
  if (const WriterStatus* const status = StatusOf(now.info)) {
    for (const WriterActivity& activity : status->activities) {
      activities.push_back(
          OrderedJson{{"what", activity.what}, {"done", activity.done}, {"total", activity.total}});
    }
  }
  const bool written = now.info.writer.has_value();
  return JsonText({{"unix_ms", SystemClock().NowUnixMs()},
                   {"health", now.info.health},
                   {"writer_pid", written ? OrderedJson(now.info.writer->pid) : OrderedJson(nullptr)},
                   {"version", now.figures.version},
                   {"durable_version", now.info.durable_version.value()},
                   {"versions_per_second", RateJson(now.rates.versions_per_second)},
                   {"live_bytes", now.figures.live_bytes},
                   {"pinned_bytes", now.figures.pinned_bytes},
                   {"free_bytes", now.figures.free_bytes},
                   {"snapshots", now.figures.snapshots},
                   {"log_bytes", now.figures.log_bytes},
                   {"log_bytes_per_second", RateJson(now.rates.log_bytes_per_second)},
                   {"activities", activities}});
}

// A line of `stats --watch`, then health and activities.
std::string Row(const Moment& now) {
  const std::string activities = ActivitiesText(now.info);
  return WatchLine(now.figures, now.rates) + "  " + OneLine(now.info.health) +
         (activities.empty() ? "" : "; " + activities);
}

Status Show(Invocation& call, const std::string& dir, const Moment& now, bool first) {
  if (call.flags.json) {
    RAWKV_RETURN_IF_ERROR(call.out.Line(RowJson(now)));
  } else if (call.out.terminal()) {
    constexpr std::string_view kHomeAndClear = "\033[H\033[2J";
    RAWKV_RETURN_IF_ERROR(call.out.Write(kHomeAndClear));
    RAWKV_RETURN_IF_ERROR(call.out.Write(Screen(now, dir)));
  } else {
    if (first) RAWKV_RETURN_IF_ERROR(call.out.Line(WatchHeader() + "  health"));
    RAWKV_RETURN_IF_ERROR(call.out.Line(Row(now)));
  }
  return call.out.Flush();
}

Result<Moment> TakeMoment(Invocation& call, const std::string& dir, RateMeter& meter) {
  Moment now;
  OpenOptions options = OpenOptionsOf(call);
  options.progress = nullptr;  // the screen is the progress
  if (call.session != nullptr) {
    RAWKV_ASSIGN_OR_RETURN(now.info, InspectStoreOf(call));
  } else {
    RAWKV_ASSIGN_OR_RETURN(now.info, InspectStore(dir, options));
  }
  RAWKV_ASSIGN_OR_RETURN(now.segments, ListLog(dir, options));
  now.figures = WatchFiguresOf(now.info, now.segments);
  now.rates = meter.Add(now.figures);
  return now;
}

}  // namespace

Result<ExitStatus> RunTop(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  const uint64_t interval_ms = call.flags.interval.value_or(1) * 1000;
  const uint64_t count = call.flags.count.value_or(0);
  HoldSignals();
  RateMeter meter;
  for (uint64_t shown = 0;;) {
    const Result<Moment> now = TakeMoment(call, dir, meter);
    if (!now.ok()) return TurnAbsentIntoRefused(now.status());
    RAWKV_RETURN_IF_ERROR(Show(call, dir, *now, shown == 0));
    if (++shown == count || WaitForInterrupt(interval_ms)) return ExitStatus::kDone;
  }
}

}  // namespace rawkv::ctl
