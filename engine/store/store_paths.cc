#include "engine/store/store_paths.h"

#include <algorithm>
#include <array>

#include "snapshot/snapshot_store.h"

namespace rawkv {

bool IsStoreName(std::string_view name) {
  constexpr std::array<std::string_view, 15> kNames = {
      "LOCK",   "STORE", "STORE-COPY", "PINS",  "IMPORTING", "FORMATTING", "ROLLBACK",  "SCRUB",
      "STATUS", "wal",   "working",    "views", "current",   "reserve",    "REBUILDING"};
  constexpr std::array<std::string_view, 4> kScratch = {"format.tmp", "import.tmp", "rebuild.tmp",
                                                        "snapshot-staging.tmp"};
  if (std::find(kScratch.begin(), kScratch.end(), name) != kScratch.end()) return true;
  const std::string_view stem = name.substr(0, name.find('.'));
  const bool known = std::find(kNames.begin(), kNames.end(), stem) != kNames.end() ||
                     SnapshotStore::ParseDirName(stem).has_value();
  if (!known) return false;
  // Suffixes of things that are half made, replaced, under removal, or moved aside.
  const std::string_view rest = name.substr(stem.size());
  return rest.empty() || rest == ".tmp" || rest == ".new" || rest == ".damaged.tmp" || IsRemovalName(rest) ||
         IsAsideName(name);
}

}  // namespace rawkv
