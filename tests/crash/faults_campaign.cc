#include "tests/crash/faults_campaign.h"

#include <algorithm>
#include <cstdio>

#include "tests/support/split_mix.h"

namespace rawkv {
namespace {

uint64_t HashOf(const std::string& text) {
  uint64_t hash = 5381;
  for (const char c : text) hash = hash * 33 + static_cast<unsigned char>(c);
  return hash;
}

std::vector<PlannedFault> VariantsOf(const FaultSite& site) {
  std::vector<PlannedFault> out;
  const Effect effect = EffectOf(site.operation);
  for (const FaultKind kind : {FaultKind::kIoError, FaultKind::kNoSpace}) {
    if (kind == FaultKind::kNoSpace && effect != Effect::kTakesRoom) continue;
    for (const FaultReach reach : {FaultReach::kOnce, FaultReach::kSame, FaultReach::kChanging}) {
      if (reach == FaultReach::kChanging && effect == Effect::kReads) continue;
      out.push_back({.site = site, .kind = kind, .reach = reach});
    }
  }
  return out;
}

std::string NameOf(const FaultHistory& history, const std::vector<PlannedFault>& faults) {
  std::string text = history.name;
  for (const PlannedFault& f : faults) text += "\n  " + ToString(f);
  return text;
}

// Most faults in one run: faults at operations that only earlier faults cause count.
constexpr size_t kMaxFaults = 3;

}  // namespace

FaultCampaign::FaultCampaign(const FaultCampaignOptions& options)
    : options_(options), histories_(options.config, options.seed) {}

void FaultCampaign::Enqueue(const FaultHistory& history, std::vector<PlannedFault> faults) {
  queue_.push_back({&history, std::move(faults)});
}

void FaultCampaign::PlanFor(const FaultHistory& history, const std::vector<PlannedFault>& before,
                            const FaultSite& site, uint64_t occurrences) {
  const uint64_t hash = Mix(options_.seed, HashOf(ToString(site)));
  if (options_.share > 1 && hash % options_.share != 0) return;
  std::vector<PlannedFault> variants = VariantsOf(site);
  const auto add = [&](PlannedFault fault, uint64_t occurrence) {
    fault.occurrence = occurrence;
    fault.half = Mix(hash, occurrence) % 2 == 0;
    std::vector<PlannedFault> faults = before;
    faults.push_back(std::move(fault));
    Enqueue(history, std::move(faults));
  };
  if (options_.extent != FaultCampaignOptions::Extent::kOnce && before.empty()) {
    const bool one = options_.extent == FaultCampaignOptions::Extent::kVariants;
    const uint64_t history_hash = Mix(hash, HashOf(history.name));
    for (uint64_t n = 1; n <= occurrences; ++n) {
      for (size_t v = 0; v < variants.size(); ++v) {
        if (!one || n == 1 + Mix(history_hash, v) % occurrences) add(variants[v], n);
      }
    }
    return;
  }
  add(variants.front(), before.empty() ? 1 + Mix(hash, 1) % occurrences : 1);
  if (variants.size() > 1 && before.empty() && hash % 3 == 0) {
    add(variants[1 + Mix(hash, 2) % (variants.size() - 1)], 1 + Mix(hash, 3) % occurrences);
  }
}

void FaultCampaign::RunOne(const FaultHistory& history, const std::vector<PlannedFault>& faults) {
  ++runs_;
  const bool extensive = options_.extent != FaultCampaignOptions::Extent::kOnce;
  std::string problem, log, outcome;
  std::map<FaultSite, uint64_t> performed;
  bool fired = false;
  {
    FaultSession session(*history.start, options_.config, options_.seed, faults);
    history.run(session);
    // The seed depends on the history and the faults, so that a single run is judged as in the whole
    // campaign.
    const uint64_t seed = Mix(options_.seed, HashOf(NameOf(history, faults)));
    problem = session.Judge(seed, extensive || faults.empty(), options_.power_cuts);
    fired = session.world().plane().AllFired();
    performed = session.world().plane().performed();
    log = session.world().LogText();
    outcome = session.outcome();
    const auto reachable = session.reachable();
    if (faults.empty()) unfaulted_[history.name] = *reachable;
    // A failure that no call returns must not make a version unreachable.
    if (problem.empty() && outcome == "absorbed" && reachable && *reachable != unfaulted_[history.name]) {
      problem = "nothing was reported, but versions can no longer be reached";
    }
  }
  if (!problem.empty()) {
    const std::string text = NameOf(history, faults) + "\n  " + problem + "\n  log of the engine:\n" + log;
    // Reports one violation for each kind: place and beginning of the problem.
    const std::string kind = (faults.empty() ? "" : ToString(faults.back().site)) + problem.substr(0, 60);
    if (reported_.insert(kind).second) violations_.push_back(text);
  }
  if (!faults.empty()) {
    FaultRow& row = rows_[faults.back().site];
    if (fired) {
      ++row.injected;
      ++row.outcomes[problem.empty() ? outcome : "VIOLATION"];
    } else {
      ++not_reached_;
    }
  }
  for (const auto& [site, count] : performed) {
    const bool is_new = !rows_.contains(site);
    FaultRow& row = rows_[site];
    row.performed = std::max(row.performed, count);
    if (std::vector<Work>& contexts = contexts_[site]; contexts.size() < 8 && row.injected == 0) {
      contexts.push_back({&history, faults});
    }
    if ((is_new || (extensive && faults.empty())) && faults.size() < kMaxFaults) {
      PlanFor(history, faults, site, count);
    }
  }
}

void FaultCampaign::Run() {
  for (const FaultHistory& h : histories_.all()) {
    if (options_.only.empty() || h.name == options_.only) RunOne(h, {});
  }
  if (!violations_.empty()) return;  // a problem without a fault invalidates the campaign
  for (size_t next = 0; next < queue_.size() && violations_.size() < 40; ++next) {
    const Work work = queue_[next];  // a copy: the queue grows
    if (NameOf(*work.history, work.faults).find(options_.match) == std::string::npos) continue;
    RunOne(*work.history, work.faults);
    while (next + 1 == queue_.size() && TryMissed()) {
    }
  }
}

bool FaultCampaign::TryMissed() {
  constexpr uint64_t kMaxTries = 16;
  bool tried = false;
  for (const FaultSite& site : NeverFaulted()) {
    if (options_.share > 1 || !options_.match.empty() || ++tries_[site] > kMaxTries) continue;
    const std::vector<Work>& contexts = contexts_[site];
    const Work& context = contexts[tries_[site] % contexts.size()];
    std::vector<PlannedFault> faults = context.faults;
    faults.push_back({.site = site});
    RunOne(*context.history, faults);
    tried = true;
  }
  return tried;
}

std::vector<FaultSite> FaultCampaign::NeverFaulted() const {
  std::vector<FaultSite> out;
  for (const auto& [site, row] : rows_) {
    if (row.injected == 0) out.push_back(site);
  }
  return out;
}

std::string FaultCampaign::Contexts(const FaultSite& site) const {
  std::string out;
  for (const Work& w : contexts_.at(site)) out += "\nin " + NameOf(*w.history, w.faults);
  return out;
}

std::string FaultCampaign::Table() const {
  std::string out = "step | operation | of | performed | faults | outcomes\n";
  for (const auto& [site, row] : rows_) {
    out += site.step + " | " + site.operation + " | " + site.kind + " | " + std::to_string(row.performed) +
           " | " + std::to_string(row.injected) + " |";
    for (const auto& [outcome, count] : row.outcomes)
      out += " " + outcome + ": " + std::to_string(count) + ";";
    out += "\n";
  }
  return out;
}

std::string FaultCampaign::Summary() const {
  uint64_t injected = 0;
  std::map<std::string, uint64_t> outcomes;
  for (const auto& [site, row] : rows_) {
    injected += row.injected;
    for (const auto& [outcome, count] : row.outcomes) outcomes[outcome] += count;
  }
  std::string out = std::to_string(rows_.size()) + " combinations of operation, kind and step, " +
                    std::to_string(injected) + " faults injected in " + std::to_string(runs_) + " runs (" +
                    std::to_string(not_reached_) + " not reached), seed " + std::to_string(options_.seed) +
                    ":";
  for (const auto& [outcome, count] : outcomes) out += " " + outcome + " " + std::to_string(count) + ",";
  out.back() = '.';
  return out;
}

}  // namespace rawkv
