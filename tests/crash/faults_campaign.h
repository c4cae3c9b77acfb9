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
  // kOnce: each site once or twice, chosen by the seed. kVariants: each site in every history with every
  // error and reach, at one occurrence that the seed chooses. kEverything: the same at every occurrence.
  enum class Extent : uint8_t { kOnce, kVariants, kEverything };
  Extent extent = Extent::kOnce;
  uint64_t power_cuts = 1;  // power cuts that are judged for each fault
  // Takes one site of `share`, without the check that every site failed once (sanitizers).
  uint64_t share = 1;
  std::string only;   // name of the only history to run; "" = all
  std::string match;  // runs only faults whose report contains this text; "" = all
};

struct FaultRow {
  uint64_t performed = 0;  // the highest count in one history
  uint64_t injected = 0;
  std::map<std::string, uint64_t> outcomes;
};

// Lets each operation of the histories fail in turn, also those that are performed only after another
// failure, and judges the result.
class FaultCampaign {
 public:
  explicit FaultCampaign(const FaultCampaignOptions& options);
  void Run();

  const std::map<FaultSite, FaultRow>& rows() const { return rows_; }
  const std::vector<std::string>& violations() const { return violations_; }
  std::vector<FaultSite> NeverFaulted() const;
  std::string Contexts(const FaultSite& site) const;  // some runs that performed the site
  uint64_t runs() const { return runs_; }
  std::string Table() const;
  std::string Summary() const;

 private:
  // Runs once more for each site that has not failed yet: the order of threads may differ. Returns false if
  // no attempts are left.
  bool TryMissed();
  // Runs a history with the faults, judges and counts the result, and queues faults for sites that were not
  // known before.
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
  std::map<FaultSite, std::vector<Work>> contexts_;  // some runs that performed the site
  std::map<FaultSite, uint64_t> tries_;
  std::vector<std::string> violations_;
  std::set<std::string> reported_;
  std::map<std::string, std::vector<std::pair<Version, Version>>> unfaulted_;  // reachable, by history
  uint64_t runs_ = 0, not_reached_ = 0;
};

}  // namespace rawkv
