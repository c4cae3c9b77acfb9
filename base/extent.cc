#include "base/extent.h"

#include <limits>

#include "base/limits.h"

namespace rawkv {

const char* FindPayloadFault(const PayloadRef& ref) {
  if (ref.extents.empty()) return "payload without extents";
  if (ref.length == 0 || ref.length > kMaxValueBytes) return "payload length out of range";
  if (ref.chunk_checksums.size() != PayloadChunks(ref.length)) {
    return "payload length and number of checksums disagree";
  }
  for (const Extent& e : ref.extents) {
    if (e.count.value() == 0) return "empty extent";
    if (e.count.value() > std::numeric_limits<uint64_t>::max() - e.first.value()) {
      return "extent beyond any device";
    }
  }
  return nullptr;
}

}  // namespace rawkv
