#include "engine/index/key_space.h"

#include <cstring>

#include "base/endian.h"
#include "base/sha256.h"

namespace rawkv {
namespace {

constexpr size_t kPrefixBytes = 1;
constexpr size_t kNumberBytes = 8;

Status WrongLength(std::string_view key) {
  return Status::Corruption("index key '" + ToHex(AsBytes(key)) + "' has the wrong length for its key space");
}

}  // namespace

IndexKey::IndexKey(KeySpace space, std::string_view rest) : size_(kPrefixBytes + rest.size()) {
  char* to = inline_.data();
  if (size_ > kInlineBytes) {
    heap_.resize(size_);
    to = heap_.data();
  }
  *to = static_cast<char>(space);
  if (!rest.empty()) std::memcpy(to + kPrefixBytes, rest.data(), rest.size());
}

IndexKey PageKey(uint64_t page) {
  char number[kNumberBytes];
  StoreBe64(number, page);
  return {KeySpace::kAllocationPage, std::string_view(number, sizeof(number))};
}

IndexKey DeferredBySlotKey(SlotId first) {
  char number[kNumberBytes];
  StoreBe64(number, first.value());
  return {KeySpace::kDeferredBySlot, std::string_view(number, sizeof(number))};
}

IndexKey DeferredByVersionKey(Version freed, SlotId first) {
  char numbers[2 * kNumberBytes];
  StoreBe64(numbers, freed.value());
  StoreBe64(numbers + kNumberBytes, first.value());
  return {KeySpace::kDeferredByVersion, std::string_view(numbers, sizeof(numbers))};
}

IndexKey UndoKey(Version version) {
  char number[kNumberBytes];
  StoreBe64(number, version.value());
  return {KeySpace::kUndo, std::string_view(number, sizeof(number))};
}

IndexKey EndOf(KeySpace space) {
  return IndexKey(static_cast<KeySpace>(static_cast<char>(space) + 1));
}

Result<uint64_t> ParsePageKey(std::string_view key) {
  if (key.size() != kPrefixBytes + kNumberBytes) return WrongLength(key);
  return LoadBe64(key.data() + kPrefixBytes);
}

Result<SlotId> ParseDeferredBySlotKey(std::string_view key) {
  if (key.size() != kPrefixBytes + kNumberBytes) return WrongLength(key);
  return SlotId(LoadBe64(key.data() + kPrefixBytes));
}

Result<FreedSlot> ParseDeferredByVersionKey(std::string_view key) {
  if (key.size() != kPrefixBytes + 2 * kNumberBytes) return WrongLength(key);
  return FreedSlot{Version(LoadBe64(key.data() + kPrefixBytes)),
                   SlotId(LoadBe64(key.data() + kPrefixBytes + kNumberBytes))};
}

Result<Version> ParseUndoKey(std::string_view key) {
  if (key.size() != kPrefixBytes + kNumberBytes) return WrongLength(key);
  return Version(LoadBe64(key.data() + kPrefixBytes));
}

}  // namespace rawkv
