#include "bindings/c/packed.h"

#include <cstring>

#include "base/check.h"
#include "bindings/c/rawkv_c.h"

namespace rawkv::c {
namespace {

constexpr size_t kOperationHead = 16;

uint64_t Number(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[i - 1]);
  return value;
}

template <typename Unsigned>
void PutNumber(Unsigned value, Bytes& out) {
  for (size_t i = 0; i < sizeof(Unsigned); ++i) out[i] = static_cast<std::byte>(value >> 8 * i & 0xFF);
  out = out.subspan(sizeof(Unsigned));
}

void PutBytes(std::string_view bytes, Bytes& out) {
  if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  out = out.subspan(bytes.size());
}

Result<PackedOperation> TakeOperation(std::string_view& rest) {
  if (rest.size() < kOperationHead) return Status::InvalidArgument("the memory ends inside an operation");
  PackedOperation op{.kind = static_cast<uint8_t>(rest[0]), .flags = static_cast<uint8_t>(rest[1])};
  const uint64_t reserved = Number(rest.substr(2, 2));
  const uint64_t key_bytes = Number(rest.substr(4, 4));
  const uint64_t value_bytes = Number(rest.substr(8, 8));
  rest.remove_prefix(kOperationHead);
  if (op.kind < 1 || op.kind > 3 || reserved != 0 || (op.flags & ~(RAWKV_IF_ABSENT | RAWKV_BORROW)) != 0 ||
      (op.kind != 1 && op.flags != 0) || (op.kind == 2 && value_bytes != 0)) {
    return Status::InvalidArgument("an operation has a wrong kind, flag or size");
  }
  if (key_bytes > rest.size() || value_bytes > rest.size() - key_bytes) {
    return Status::InvalidArgument("the memory ends inside an operation");
  }
  op.key = rest.substr(0, key_bytes);
  op.value = rest.substr(key_bytes, value_bytes);
  rest.remove_prefix(key_bytes + value_bytes);
  return op;
}

}  // namespace

Result<std::vector<PackedOperation>> UnpackOperations(std::string_view memory) {
  std::vector<PackedOperation> operations;
  while (!memory.empty()) {
    RAWKV_ASSIGN_OR_RETURN(const PackedOperation op, TakeOperation(memory));
    operations.push_back(op);
  }
  return operations;
}

size_t PackEntry(const PackedEntry& entry, Bytes out) {
  const size_t bytes = kPackedEntryHead + entry.key.size() + entry.value.size();
  RAWKV_CHECK(bytes <= out.size(), "the entry fits");
  PutNumber(static_cast<uint32_t>(entry.code), out);
  PutNumber(static_cast<uint32_t>(entry.key.size()), out);
  PutNumber(entry.value_bytes, out);
  PutNumber(entry.written_by.value(), out);
  PutBytes(entry.key, out);
  PutBytes(entry.value, out);
  return bytes;
}

}  // namespace rawkv::c
