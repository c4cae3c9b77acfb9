#include "base/lineage_chain.h"

#include <algorithm>
#include <limits>

namespace rawkv {

// A link owns the versions after its own fork, up to the lowest fork of all later links. A rollback below an
// earlier fork takes versions from every earlier link, not only from its parent. The range may be empty.
bool LineageChain::Contains(Lineage lineage, Version v) const {
  Version last(std::numeric_limits<uint64_t>::max());
  for (size_t i = links_.size(); i > 0; --i) {
    const LineageLink& link = links_[i - 1];
    if (link.id == lineage) {
      // The root has no parent, so it also owns the initial version, which is its `fork`.
      const bool begun = i == 1 ? v >= link.fork : v > link.fork;
      return begun && v <= last;
    }
    last = std::min(last, link.fork);
  }
  return false;
}

bool LineageChain::HasBranch(Lineage lineage) const {
  return std::any_of(links_.begin(), links_.end(),
                     [&](const LineageLink& link) { return link.id == lineage; });
}

LineageChain LineageChain::Forked(Lineage id, Version fork) const {
  std::vector<LineageLink> links = links_;
  links.push_back({.id = id, .parent = current(), .fork = fork});
  return LineageChain(std::move(links));
}

LineageChain LineageChain::Trimmed(Version oldest) const {
  std::vector<LineageLink> kept;
  Version last(std::numeric_limits<uint64_t>::max());
  for (size_t i = links_.size(); i > 0; --i) {
    const LineageLink& link = links_[i - 1];
    const bool owns_nothing = i == 1 ? last < link.fork : last <= link.fork;
    if (i == links_.size() || (!owns_nothing && last >= oldest)) kept.push_back(link);
    last = std::min(last, link.fork);
  }
  std::reverse(kept.begin(), kept.end());
  for (size_t i = 0; i < kept.size(); ++i) kept[i].parent = i == 0 ? Lineage() : kept[i - 1].id;
  return LineageChain(std::move(kept));
}

}  // namespace rawkv
