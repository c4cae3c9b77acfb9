// Every operation of every protocol fails in turn (docs/testing.md, "Faults"). The process must not crash,
// answers must be as engine.h promises, no acknowledged commit may be lost, and the store must work after a
// reopen.
//   RAWKV_FAULTS=all           every occurrence, error and reach (long)
//   RAWKV_FAULTS_HISTORY=name  one history
//   RAWKV_FAULTS_MATCH=text    only faults whose report contains the text
//   RAWKV_FAULTS_LIST=1        prints the table of all combinations and their outcomes
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

bool RunsAll() {
  return Variable("RAWKV_FAULTS") == "all";
}

TEST(Faults, EveryOperationFailsInTurn) {
  FaultCampaignOptions options{.seed = TestSeed(1)};
  if (RunsAll()) {
    options.extent = FaultCampaignOptions::Extent::kEverything;
    options.power_cuts = 3;
  }
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

// After a failed sync of the store's directory, its new names are in caches only, and later steps must not
// depend on them. Tries such a sync in each step of each history, and all subsets of the names that a power
// cut may leave. The suite takes a third of them.
TEST(Faults, NothingDependsOnNamesOfAFailedSync) {
  using Extent = FaultCampaignOptions::Extent;
  FaultCampaignOptions options{.seed = TestSeed(1),
                               .extent = RunsAll() ? Extent::kEverything : Extent::kVariants,
                               .power_cuts = 9,
                               .share = RunsAll() ? 1 : Share(3, 30)};
  options.match = "fs.syncdir store dir";
  FaultCampaign campaign(options);
  campaign.Run();
  std::printf("%s\n", campaign.Summary().c_str());
  for (const std::string& violation : campaign.violations()) ADD_FAILURE() << violation;
}

// A rollback of a store whose open could not write the device would stop half-way, where nothing can be read.
TEST(Faults, AStoreThatWasOpenedWithoutRoomStaysReadableWhateverIsTried) {
  FaultCampaignOptions options{
      .seed = TestSeed(1), .extent = FaultCampaignOptions::Extent::kEverything, .share = Share(1, 10)};
  options.only = "rollback";
  options.match = "ENOSPC there from at [open: device.write superblock]";
  FaultCampaign campaign(options);
  campaign.Run();
  std::printf("%s\n", campaign.Summary().c_str());
  for (const std::string& violation : campaign.violations()) ADD_FAILURE() << violation;
}

}  // namespace
}  // namespace rawkv
