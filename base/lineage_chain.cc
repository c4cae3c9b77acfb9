#include "base/lineage_chain.h"

#include <algorithm>
#include <limits>

namespace rawkv {

// A link owns the versions after its own fork, up to the lowest fork of any later link: a rollback
// below an earlier fork takes versions from every link before it, not only from its parent. The
// range may be empty.
bool LineageChain::Contains(Lineage lineage, Version v) const {
  Version last(std::numeric_limits<uint64_t>::max());
  for (size_t i = links_.size(); i > 0; --i) {
    const LineageLink& link = links_[i - 1];
    if (link.id == lineage) {
      // The initial version was not forked from anything: it is the root's own.
      const bool begun = i == 1 ? v >= link.fork : v > link.fork;
      return begun && v <= last;
    }
    last = std::min(last, link.fork);
  }
  return false;
}

bool LineageChain::Knows(Lineage lineage) const {
  return std::any_of(links_.begin(), links_.end(),
                     [&](const LineageLink& link) { return link.id == lineage; });
}

LineageChain LineageChain::Forked(Lineage id, Version fork) const {
  std::vector<LineageLink> links = links_;
  links.push_back({.id = id, .parent = current(), .fork = fork});
  return LineageChain(std::move(links));
}

}  // namespace rawkv
