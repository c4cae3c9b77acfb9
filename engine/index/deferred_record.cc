#include "engine/index/deferred_record.h"

#include <algorithm>
#include <limits>

#include "base/byte_codec.h"
#include "base/check.h"
#include "engine/index/key_space.h"

namespace rawkv {
namespace {

const char* FindFault(const DeferredFree& entry) {
  if (entry.extent.count.value() == 0) return "empty extent";
  if (entry.extent.count.value() > std::numeric_limits<uint64_t>::max() - entry.extent.first.value()) {
    return "extent beyond any device";
  }
  if (BlockStart(entry.extent.first) != BlockStart(SlotId(entry.extent.end().value() - 1))) {
    return "extent crosses the border of a block";
  }
  if (entry.freed < entry.born) return "freed before it was born";
  return nullptr;
}

Status Bad(const char* what) {
  return Status::Corruption(std::string("deferred free: ") + what);
}

void CheckSound(const DeferredFree& entry) {
  const char* fault = FindFault(entry);
  RAWKV_CHECK(fault == nullptr, fault);
}

Result<DeferredFree> CheckDecoded(const ByteReader& in, const DeferredFree& entry) {
  if (!in.AtEnd()) return Bad("wrong length");
  if (const char* fault = FindFault(entry)) return Bad(fault);
  return entry;
}

}  // namespace

std::vector<DeferredFree> BlockPieces(const DeferredFree& entry) {
  std::vector<DeferredFree> pieces;
  DeferredFree piece = entry;
  for (uint64_t left = entry.extent.count.value(); left > 0; left -= piece.extent.count.value()) {
    if (!pieces.empty()) piece.extent.first = pieces.back().extent.end();
    const SlotCount in_block = piece.extent.first - BlockStart(piece.extent.first);
    piece.extent.count = SlotCount(std::min(left, kDeferredBlockSlots - in_block.value()));
    pieces.push_back(piece);
  }
  return pieces;
}

std::string EncodeDeferredBySlot(const DeferredFree& piece) {
  CheckSound(piece);
  ByteWriter out;
  out.U64(piece.extent.count.value());
  out.U64(piece.born.value());
  out.U64(piece.freed.value());
  return out.Take();
}

std::string EncodeDeferredByVersion(const DeferredFree& piece) {
  CheckSound(piece);
  ByteWriter out;
  out.U64(piece.extent.count.value());
  out.U64(piece.born.value());
  return out.Take();
}

Result<DeferredFree> DecodeDeferredBySlot(std::string_view key, std::string_view value) {
  DeferredFree entry;
  RAWKV_ASSIGN_OR_RETURN(entry.extent.first, ParseDeferredBySlotKey(key));
  ByteReader in(value);
  entry.extent.count = SlotCount(in.U64());
  entry.born = Version(in.U64());
  entry.freed = Version(in.U64());
  return CheckDecoded(in, entry);
}

Result<DeferredFree> DecodeDeferredByVersion(std::string_view key, std::string_view value) {
  DeferredFree entry;
  RAWKV_ASSIGN_OR_RETURN(const FreedSlot at, ParseDeferredByVersionKey(key));
  entry.extent.first = at.first;
  entry.freed = at.freed;
  ByteReader in(value);
  entry.extent.count = SlotCount(in.U64());
  entry.born = Version(in.U64());
  return CheckDecoded(in, entry);
}

}  // namespace rawkv
