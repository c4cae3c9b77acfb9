#include "engine/cache_api/cache_message.h"

#include <algorithm>
#include <iterator>

#include "base/byte_codec.h"

namespace rawkv {
namespace {

constexpr std::string_view kMark = "rawkv-cache-1";
// The reply of the store is bounded, and an operator reads no more.
constexpr size_t kMaxPins = 10'000;

}  // namespace

std::string EncodeCacheRequest(const CacheRequest& request) {
  ByteWriter w;
  w.Raw(kMark);
  w.U32(static_cast<uint32_t>(request.operation));
  w.U64(request.bytes);
  w.Raw(request.text);
  return w.Take();
}

Result<CacheRequest> DecodeCacheRequest(std::string_view bytes) {
  ByteReader r(bytes);
  if (r.Raw(kMark.size()) != kMark) return Status::NotSupported("not a request to a cache");
  CacheRequest request;
  const uint32_t operation = r.U32();
  request.bytes = r.U64();
  if (!r.ok()) return Status::Corruption("request to a cache: cut off");
  request.text = r.Raw(r.remaining());
  if (operation < 1 || operation > static_cast<uint32_t>(CacheRequest::Operation::kUnpin)) {
    return Status::NotSupported("operation " + std::to_string(operation) + " of a cache is not known here");
  }
  request.operation = static_cast<CacheRequest::Operation>(operation);
  return request;
}

std::string EncodeCacheReply(const CacheReply& reply) {
  ByteWriter w;
  w.Raw(kMark);
  w.U64(reply.number);
  w.U64(reply.report.usage.objects);
  w.U64(reply.report.usage.bytes);
  w.U32(std::size(kCacheFigures));
  for (const CacheFigure& figure : kCacheFigures) {
    w.Blob(figure.name);
    w.U64(reply.report.stats.*figure.value);
  }
  const size_t pins = std::min(reply.report.pins.size(), kMaxPins);
  w.U32(static_cast<uint32_t>(pins));
  for (size_t i = 0; i < pins; ++i) {
    w.Blob(reply.report.pins[i].key);
    w.Blob(reply.report.pins[i].owner);
    w.U64(reply.report.pins[i].count);
  }
  return w.Take();
}

Result<CacheReply> DecodeCacheReply(std::string_view bytes) {
  ByteReader r(bytes);
  if (r.Raw(kMark.size()) != kMark) return Status::NotSupported("not a reply of a cache");
  CacheReply reply;
  reply.number = r.U64();
  reply.report.usage.objects = r.U64();
  reply.report.usage.bytes = r.U64();
  // Another version of rawkv may have other figures.
  for (uint32_t count = r.U32(); count > 0 && r.ok(); --count) {
    const std::string_view name = r.Blob();
    const uint64_t value = r.U64();
    for (const CacheFigure& figure : kCacheFigures) {
      if (figure.name == name) reply.report.stats.*figure.value = value;
    }
  }
  for (uint32_t count = r.U32(); count > 0 && r.ok(); --count) {
    ObjectPin pin;
    pin.key = r.Blob();
    pin.owner = r.Blob();
    pin.count = r.U64();
    if (r.ok()) reply.report.pins.push_back(std::move(pin));
  }
  if (!r.AtEnd()) return Status::Corruption("reply of a cache: cut off or too long");
  return reply;
}

}  // namespace rawkv
