#include "engine/cache/recency.h"

#include <algorithm>
#include <bit>

#include "base/byte_codec.h"
#include "base/checksum.h"

namespace rawkv {
namespace {

constexpr char kOrderTag = 'r';
constexpr uint32_t kOrderFormat = 1;
// Bounds the commit, which must fit a segment of the log.
constexpr uint64_t kMaxSaved = 4'000'000;
constexpr uint64_t kUsedBit = 1;  // takes the place of the hash's lowest bit

constexpr uint32_t kNoRank = UINT32_MAX;

std::string OrderPrefix() {
  return {kReservedByte, kOrderTag};
}

// Big-endian, so that the parts are in the order of their numbers.
std::string PartKey(uint32_t part) {
  std::string key = OrderPrefix();
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(part >> shift & 0xff));
  return key;
}

uint64_t HashOf(std::string_view key) {
  return Xxh3(AsBytes(key)) & ~kUsedBit;
}

}  // namespace

Status SavedOrder::Save(Engine& engine, const CacheCore& core, uint64_t inline_bytes) {
  const Version now = engine.version();
  uint64_t hand = UINT64_MAX, count = 0;
  ByteWriter order;
  core.ForEachInOrder([&](std::string_view key, const EvictionPolicy::Place& place) {
    if (place.hand) hand = count;
    ++count;
    order.U64(HashOf(key) | (place.used ? kUsedBit : 0));
  });
  const uint64_t cut = count - std::min(count, kMaxSaved);
  ByteWriter head;
  head.U32(kOrderFormat);
  head.U64(now.value());
  head.U64(hand - cut);
  head.U8(cut != 0 ? 1 : 0);
  WriteBatch batch;
  batch.Put(PartKey(0), head.str());
  uint32_t part = 1;
  for (std::string_view rest = std::string_view(order.str()).substr(8 * cut); !rest.empty(); ++part) {
    const std::string_view bytes = rest.substr(0, inline_bytes / 8 * 8);
    batch.Put(PartKey(part), bytes);
    rest.remove_prefix(bytes.size());
  }
  batch.DeleteRange(PartKey(part), std::string{kReservedByte, kOrderTag + 1});
  // A crash that loses this commit leaves the older order.
  return engine.Commit(batch, {.durability = Durability::kUnsafeUnsynced}).status;
}

Result<bool> SavedOrder::IsSaved(Engine& engine) {
  return engine.Exists(PartKey(0));
}

Result<SavedOrder> SavedOrder::Load(Engine& engine) {
  SavedOrder order;
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Iterator> it, engine.NewIterator({.prefix = OrderPrefix()}));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    RAWKV_ASSIGN_OR_RETURN(const std::string bytes, it->ReadValue());
    ByteReader in(bytes);
    if (it->key() == PartKey(0)) {
      if (in.U32() != kOrderFormat) break;
      order.saved_at_ = Version(in.U64());
      order.hand_ = in.U64();
      order.cut_ = in.U8() != 0;
      continue;
    }
    for (uint64_t i = 0; i < bytes.size() / 8; ++i) order.entries_.push_back(in.U64());
  }
  RAWKV_RETURN_IF_ERROR(it->status());
  order.IndexEntries();
  return order;
}

void SavedOrder::IndexEntries() {
  ranks_.assign(std::bit_ceil(2 * entries_.size() + 2), kNoRank);
  for (uint32_t rank = 0; rank < entries_.size(); ++rank) {
    uint64_t at = entries_[rank] >> 1;
    while (ranks_[at & (ranks_.size() - 1)] != kNoRank) ++at;
    ranks_[at & (ranks_.size() - 1)] = rank;
  }
}

SavedOrder::Found SavedOrder::Find(std::string_view key, Version written_by) const {
  if (written_by > saved_at_) return {};
  const uint64_t hash = HashOf(key);
  for (uint64_t at = hash >> 1;; ++at) {
    const uint32_t rank = ranks_[at & (ranks_.size() - 1)];
    if (rank == kNoRank) return {.where = cut_ ? Where::kOlder : Where::kNewer};
    if ((entries_[rank] & ~kUsedBit) != hash) continue;
    const bool used = (entries_[rank] & kUsedBit) != 0;
    return {.where = Where::kInOrder, .rank = rank, .used = used, .hand = rank == hand_};
  }
}

}  // namespace rawkv
