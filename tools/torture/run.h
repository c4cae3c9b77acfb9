#pragma once

#include "base/result.h"
#include "tools/torture/options.h"
#include "tools/torture/report.h"

namespace rawkv::torture {

// Makes the directory, asks for consent to overwrite the device, and runs rounds until the time or the number
// of kills is reached. An error means that no round has begun. `program` as in CampaignPlan.
Result<Outcome> Run(const Options& options, const std::string& program);

}  // namespace rawkv::torture
