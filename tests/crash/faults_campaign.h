#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/crash/faults_histories.h"

namespace rawkv {

struct FaultCampaignOptions {
  SimConfig config;
  uint64_t seed = 1;
  // Every occurrence of every site of every history with every error and reach; else each site once or
  // twice, chosen by the seed.
  bool everything = false;
  uint64_t power_cuts = 1;  // to judge by, a fault
  // Of the sites, every so many-th only, and no claim to completeness (sanitizers).
  uint64_t share = 1;
  std::string only;   // a history's name; "" = all
  std::string match;  // only faults that a report names so, or with this in it; "" = all
};

struct FaultRow {
  uint64_t performed = 0;  // most in one history
  uint64_t injected = 0;
  std::map<std::string, uint64_t> outcomes;
};

// Lets each operation that the histories perform fail in turn, and each that is performed only because
// another one failed, and judges what comes of it.
class FaultCampaign {
 public:
  explicit FaultCampaign(const FaultCampaignOptions& options);
  void Run();

  const std::map<FaultSite, FaultRow>& rows() const { return rows_; }
  const std::vector<std::string>& violations() const { return violations_; }
  std::vector<FaultSite> NeverFaulted() const;
  std::string Contexts(const FaultSite& site) const;  // in which a site was performed: a few
  uint64_t runs() const { return runs_; }
  std::string Table() const;
  std::string Summary() const;

 private:
  // Gives the sites that no fault has met yet another chance; threads take turns as they like. False if
  // there is none to give.
  bool TryMissed();
  // Runs, judges, notes; queues what came up on the way that was never seen before.
  void RunOne(const FaultHistory& history, const std::vector<PlannedFault>& faults);
  void PlanFor(const FaultHistory& history, const std::vector<PlannedFault>& before, const FaultSite& site,
               uint64_t occurrences);
  void Enqueue(const FaultHistory& history, std::vector<PlannedFault> faults);

  struct Work {
    const FaultHistory* history;
    std::vector<PlannedFault> faults;
  };
  const FaultCampaignOptions options_;
  const FaultHistories histories_;
  std::map<FaultSite, FaultRow> rows_;
  std::vector<Work> queue_;
  std::map<FaultSite, std::vector<Work>> contexts_;  // in which a site was performed: a few
  std::map<FaultSite, uint64_t> tries_;
  std::vector<std::string> violations_;
  std::set<std::string> told_;
  std::map<std::string, std::vector<std::pair<Version, Version>>> unfaulted_;  // reachable, by history
  uint64_t runs_ = 0, not_reached_ = 0;
};

}  // namespace rawkv
