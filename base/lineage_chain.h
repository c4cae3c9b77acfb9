#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/types.h"

namespace rawkv {

// One branch: `id` forked from `parent` after version `fork`. The root has parent 0, and its fork is the
// initial version of the store.
struct LineageLink {
  Lineage id;
  Lineage parent;
  Version fork;
  friend bool operator==(const LineageLink&, const LineageLink&) = default;
};

// The chain of branches that leads to the present one, oldest first (invariant 4). Only STORE holds it. A
// record, an index or a snapshot counts only if its version is on the chain. Immutable; thread-safe.
class LineageChain {
 public:
  LineageChain() = default;
  explicit LineageChain(std::vector<LineageLink> links) : links_(std::move(links)) {}

  const std::vector<LineageLink>& links() const { return links_; }
  Lineage current() const { return links_.empty() ? Lineage() : links_.back().id; }

  // True if version `v` of branch `lineage` is on the present branch or an ancestor of it.
  bool Contains(Lineage lineage, Version v) const;
  // True if the chain has a link for the branch.
  bool HasBranch(Lineage lineage) const;
  // True if a rollback gave up version `v` of branch `lineage`: the chain leaves the branch below `v`.
  bool Abandons(Lineage lineage, Version v) const { return HasBranch(lineage) && !Contains(lineage, v); }
  // This chain with a new branch `id` that forks after `fork`. Keeps every link.
  LineageChain Forked(Lineage id, Version fork) const;
  // This chain without the branches that own no version at or above `oldest`; the present branch stays.
  // Contains gives the same answer for every version at or above `oldest`. So the number of kept versions
  // bounds the length of the chain, whatever the number of rollbacks.
  LineageChain Trimmed(Version oldest) const;

 private:
  std::vector<LineageLink> links_;
};

}  // namespace rawkv
