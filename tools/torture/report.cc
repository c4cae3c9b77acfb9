#include "tools/torture/report.h"

#include <fmt/format.h>

#include "report/json_text.h"
#include "tools/cli/byte_size.h"
#include "tools/cli/text_format.h"

namespace rawkv::torture {
namespace {

std::string Line(std::string_view label, const std::string& text) {
  return fmt::format("{:<10}{}\n", label, text);
}

const char* ResultWord(const Outcome& outcome) {
  if (outcome.violation) return "broken";
  if (outcome.interrupted) return "interrupted";
  return outcome.status.ok() ? "kept" : "could not run";
}

std::string Verdict(const Outcome& outcome) {
  if (outcome.violation) {
    return Line("FAILED", ctl::OneLine(outcome.status.ToString())) +
           Line("", fmt::format("in round {} of seed {}", outcome.failed_round, outcome.seed)) +
           Line("kept", outcome.store + (outcome.device.empty() ? "" : ", device " + outcome.device)) +
           Line("", "copy of its log before the judge opened it: " + outcome.scratch) +
           Line("replay", outcome.replay) +
           Line("", "(the replay makes the same choices, but the exact moment of a kill differs)");
  }
  if (!outcome.status.ok()) return Line("stopped", ctl::OneLine(outcome.status.ToString()));
  return Line("result", fmt::format("{}nothing acknowledged was lost, nothing was partly done; seed {}",
                                    outcome.interrupted ? "interrupted; until then " : "", outcome.seed));
}

}  // namespace

std::string TextReport(const Outcome& outcome) {
  const Tally& t = outcome.tally;
  const double seconds = static_cast<double>(outcome.wall_ns) / 1e9;
  return Line("kills",
              fmt::format("{} in {:.1f} s ({} synced, {} unsafe_unsynced), {} of them during an open of "
                          "the store, {} during a rollback",
                          t.kills, seconds, t.kills - t.kills_unsynced, t.kills_unsynced, t.kills_in_open,
                          t.kills_in_rollback)) +
         Line("commits",
              fmt::format("{} acknowledged, all present; {} in progress at a kill were also present",
                          t.commits, t.settled_doubts)) +
         Line("judged", fmt::format("{} times: {} versions, {} keys, {} compared; {} deep checks", t.rounds,
                                    t.judged.versions, t.judged.keys, ctl::HumanBytes(t.judged.value_bytes),
                                    t.judged.deep_checks)) +
         Line("", fmt::format("{} states that workers read, all correct; {} stores formatted", t.digests,
                              t.formats)) +
         Verdict(outcome);
}

std::string JsonReport(const Outcome& outcome) {
  const Tally& t = outcome.tally;
  OrderedJson out = {{"result", ResultWord(outcome)},
                     {"seed", outcome.seed},
                     {"kills", t.kills},
                     {"kills_synced", t.kills - t.kills_unsynced},
                     {"kills_unsafe_unsynced", t.kills_unsynced},
                     {"kills_in_open", t.kills_in_open},
                     {"kills_in_rollback", t.kills_in_rollback},
                     {"rounds", t.rounds},
                     {"formats", t.formats},
                     {"commits", t.commits},
                     {"commits_settled", t.settled_doubts},
                     {"digests", t.digests},
                     {"versions", t.judged.versions},
                     {"keys", t.judged.keys},
                     {"value_bytes", t.judged.value_bytes},
                     {"deep_checks", t.judged.deep_checks},
                     {"milliseconds", outcome.wall_ns / 1'000'000}};
  if (!outcome.status.ok()) out["error"] = outcome.status.ToString();
  if (outcome.violation) {
    out["failed_round"] = outcome.failed_round;
    out["store"] = outcome.store;
    out["replay"] = outcome.replay;
  }
  return JsonText(out) + "\n";
}

}  // namespace rawkv::torture
