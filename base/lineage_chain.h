#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/types.h"

namespace rawkv {

// One branch: `id` forked from `parent` after version `fork`. The root has parent 0 and fork = the
// store's initial version.
struct LineageLink {
  Lineage id;
  Lineage parent;
  Version fork;
  friend bool operator==(const LineageLink&, const LineageLink&) = default;
};

// The chain of branches that leads to the present one, oldest first (invariant 4). STORE
// alone holds it; everything else on disk is judged against it. Immutable; thread-safe.
class LineageChain {
 public:
  LineageChain() = default;
  explicit LineageChain(std::vector<LineageLink> links) : links_(std::move(links)) {}

  const std::vector<LineageLink>& links() const { return links_; }
  Lineage current() const { return links_.empty() ? Lineage() : links_.back().id; }

  // True if version `v` of branch `lineage` is an ancestor of the present branch, or on it.
  bool Contains(Lineage lineage, Version v) const;
  // Whether the branch is on the chain at all.
  bool Knows(Lineage lineage) const;
  // True if version `v` of branch `lineage` was given up by a rollback: the chain leaves the branch below it.
  bool Abandons(Lineage lineage, Version v) const { return Knows(lineage) && !Contains(lineage, v); }
  // The present branch's chain forked after `fork` into a new branch `id`. Links of branches that
  // begin at or above the fork stay: their versions at or below it may still be on the path.
  LineageChain Forked(Lineage id, Version fork) const;
  // The same chain without the branches that own no version at or above `oldest`. The present branch stays.
  // Contains answers as before for every version at or above `oldest`. So the chain's length is bounded by
  // the number of versions that are still kept, however many rollbacks there were.
  LineageChain Trimmed(Version oldest) const;

 private:
  std::vector<LineageLink> links_;
};

}  // namespace rawkv
