// Every operation of every protocol fails in turn: no crash, answers as engine.h promises them, nothing
// acknowledged is lost, and a reopen after it goes on (docs/testing.md, "Faults").
//   RAWKV_FAULTS=all           every occurrence, error and reach (long)
//   RAWKV_FAULTS_HISTORY=name  one history
//   RAWKV_FAULTS_MATCH=text    of the faults, those with this in their report
//   RAWKV_FAULTS_LIST=1        the table of all combinations with what came of them
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/crash/faults_campaign.h"
#include "tests/support/sanitized.h"

namespace rawkv {
namespace {

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

TEST(Faults, EveryOperationFailsInTurn) {
  FaultCampaignOptions options{.seed = TestSeed(1)};
  options.everything = Variable("RAWKV_FAULTS") == "all";
  if (options.everything) options.power_cuts = 3;
  options.only = Variable("RAWKV_FAULTS_HISTORY");
  options.match = Variable("RAWKV_FAULTS_MATCH");
  options.share = Share(1, 10);
  FaultCampaign campaign(options);
  campaign.Run();
  if (!Variable("RAWKV_FAULTS_LIST").empty()) std::printf("%s", campaign.Table().c_str());
  std::printf("%s\n", campaign.Summary().c_str());
  for (const std::string& violation : campaign.violations()) ADD_FAILURE() << violation;
  if (options.share > 1 || !options.match.empty()) return;
  for (const FaultSite& site : campaign.NeverFaulted()) {
    if (!campaign.violations().empty()) break;
    ADD_FAILURE() << "performed, but never failed: " << ToString(site) << campaign.Contexts(site);
  }
}

// What a failed sync of the store's directory left in caches only, others build upon: each of them, with all
// that a power cut may leave of the names.
TEST(Faults, NothingDependsOnNamesOfAFailedSync) {
  FaultCampaignOptions options{
      .seed = TestSeed(1), .everything = true, .power_cuts = 9, .share = Share(1, 10)};
  options.match = "fs.syncdir store dir";
  FaultCampaign campaign(options);
  campaign.Run();
  std::printf("%s\n", campaign.Summary().c_str());
  for (const std::string& violation : campaign.violations()) ADD_FAILURE() << violation;
}

}  // namespace
}  // namespace rawkv
