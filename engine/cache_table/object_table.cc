#include "engine/cache_table/object_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/checksum.h"

namespace rawkv {
namespace {

size_t UnitsOf(size_t key_bytes) {
  return (key_bytes + 7) / 8;
}

uint64_t HashOf(std::string_view key) {
  return Xxh3(AsBytes(key));
}

}  // namespace

ObjectTable::ObjectTable() : buckets_(1024, kNone), free_places_(UnitsOf(kMaxKeyBytes) + 1, kNone) {}

uint32_t ObjectTable::Find(std::string_view key) const {
  uint32_t id = buckets_[HashOf(key) & (buckets_.size() - 1)];
  while (id != kNone && this->key(id) != key) id = objects_[id].next;
  return id;
}

uint32_t ObjectTable::Insert(std::string_view key) {
  // What can run out of memory comes first, so that nothing has changed then.
  if (size_ >= 2 * buckets_.size()) Reserve(size_);
  if (free_object_ == kNone) {
    objects_.emplace_back().next = kNone;
    free_object_ = static_cast<uint32_t>(objects_.size() - 1);
  }
  const uint32_t place = TakePlace(UnitsOf(key.size()));
  std::memcpy(PlaceAt(place), key.data(), key.size());

  const uint32_t id = free_object_;
  uint32_t& bucket = BucketOf(key);
  free_object_ = objects_[id].next;
  objects_[id] = {.next = bucket, .key_place = place, .key_bytes = static_cast<uint16_t>(key.size())};
  bucket = id;
  ++size_;
  return id;
}

void ObjectTable::Erase(uint32_t id) {
  CachedObject& object = objects_[id];
  uint32_t* link = &BucketOf(key(id));
  while (*link != id) link = &objects_[*link].next;
  *link = object.next;
  uint32_t& free_place = free_places_[UnitsOf(object.key_bytes)];
  std::memcpy(PlaceAt(object.key_place), &free_place, sizeof(free_place));
  free_place = object.key_place;
  object = {.next = free_object_};
  free_object_ = id;
  --size_;
}

std::string_view ObjectTable::key(uint32_t id) const {
  const CachedObject& object = objects_[id];
  return {PlaceAt(object.key_place), object.key_bytes};
}

uint32_t& ObjectTable::BucketOf(std::string_view key) {
  return buckets_[HashOf(key) & (buckets_.size() - 1)];
}

void ObjectTable::Reserve(uint64_t objects) {
  std::vector<uint32_t> larger(std::bit_floor(std::max<uint64_t>(objects, 1024)), kNone);
  buckets_.swap(larger);
  for (uint32_t id = 0; id < end(); ++id) {
    if (objects_[id].key_bytes == 0) continue;
    uint32_t& bucket = BucketOf(key(id));
    objects_[id].next = bucket;
    bucket = id;
  }
}

uint32_t ObjectTable::TakePlace(size_t units) {
  if (uint32_t& free_place = free_places_[units]; free_place != kNone) {
    const uint32_t place = free_place;
    std::memcpy(&free_place, PlaceAt(place), sizeof(free_place));
    return place;
  }
  if (used_units_ + units > kUnitsInBlock) {
    auto block = std::make_unique_for_overwrite<char[]>(kUnitsInBlock * kUnit);
    blocks_.push_back(std::move(block));
    used_units_ = 0;
  }
  const size_t place = (blocks_.size() - 1) * kUnitsInBlock + used_units_;
  used_units_ += units;
  return static_cast<uint32_t>(place);
}

}  // namespace rawkv
