#pragma once

#include "base/result.h"
#include "tools/torture/options.h"
#include "tools/torture/report.h"

namespace rawkv::torture {

// The whole of a run but for its report: the directory, the device and the consent to overwrite it, rounds
// until the time or the kills are spent. An error came before the first round. `program` as in CampaignPlan.
Result<Outcome> Run(const Options& options, const std::string& program);

}  // namespace rawkv::torture
