#include "engine/index/deferred_record.h"

#include <limits>

#include "base/byte_codec.h"
#include "base/check.h"
#include "engine/index/key_space.h"

namespace rawkv {
namespace {

const char* Fault(const DeferredFree& entry) {
  if (entry.extent.count.value() == 0) return "empty extent";
  if (entry.extent.count.value() > std::numeric_limits<uint64_t>::max() - entry.extent.first.value()) {
    return "extent beyond any device";
  }
  if (entry.freed < entry.born) return "freed before it was born";
  return nullptr;
}

Status Bad(const char* what) {
  return Status::Corruption(std::string("deferred free: ") + what);
}

void CheckSound(const DeferredFree& entry) {
  const char* fault = Fault(entry);
  RAWKV_CHECK(fault == nullptr, fault);
}

Result<DeferredFree> Judged(const ByteReader& in, const DeferredFree& entry) {
  if (!in.AtEnd()) return Bad("wrong length");
  if (const char* fault = Fault(entry)) return Bad(fault);
  return entry;
}

}  // namespace

std::string EncodeDeferredBySlot(const DeferredFree& entry) {
  CheckSound(entry);
  ByteWriter out;
  out.U64(entry.extent.count.value());
  out.U64(entry.born.value());
  out.U64(entry.freed.value());
  return out.Take();
}

std::string EncodeDeferredByVersion(const DeferredFree& entry) {
  CheckSound(entry);
  ByteWriter out;
  out.U64(entry.extent.count.value());
  out.U64(entry.born.value());
  return out.Take();
}

Result<DeferredFree> DecodeDeferredBySlot(std::string_view key, std::string_view value) {
  DeferredFree entry;
  RAWKV_ASSIGN_OR_RETURN(entry.extent.first, ParseDeferredBySlotKey(key));
  ByteReader in(value);
  entry.extent.count = SlotCount(in.U64());
  entry.born = Version(in.U64());
  entry.freed = Version(in.U64());
  return Judged(in, entry);
}

Result<DeferredFree> DecodeDeferredByVersion(std::string_view key, std::string_view value) {
  DeferredFree entry;
  RAWKV_ASSIGN_OR_RETURN(const FreedSlot at, ParseDeferredByVersionKey(key));
  entry.extent.first = at.first;
  entry.freed = at.freed;
  ByteReader in(value);
  entry.extent.count = SlotCount(in.U64());
  entry.born = Version(in.U64());
  return Judged(in, entry);
}

}  // namespace rawkv
