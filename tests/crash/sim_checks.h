#pragma once

#include <string>

#include "engine/admin/inspect.h"

namespace rawkv {

// Opens a store of a simulated world with a small cache. STATUS is written only when the state of the store
// changes, so that the places of a crash do not depend on the time.
inline OpenOptions OpenOf(const Environment& env) {
  OpenOptions options;
  options.env = env;
  options.block_cache_bytes = 1 << 20;
  options.status_interval_ms = 0;
  return options;
}

// Returns "" if a deep check of the store finds nothing.
inline std::string FindDamage(const std::string& dir, const Environment& env) {
  const Result<CheckReport> report = CheckStore(dir, {.deep = true}, OpenOf(env));
  if (!report.ok()) return "fsck: " + report.status().ToString();
  return report->ok() ? "" : "fsck: " + report->findings.front().message;
}

}  // namespace rawkv
