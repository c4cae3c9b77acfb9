#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/cache_api/cache_report.h"

namespace rawkv {

// What another process asks of an open cache. docs/formats/control.md.
struct CacheRequest {
  enum class Operation : uint32_t {
    kReport = 1,  // with the usage of the prefix `text`
    kEvict = 2,   // `bytes`
    kPin = 3,     // the key `text`
    kUnpin = 4,   // the key `text`
  };
  Operation operation = Operation::kReport;
  std::string text;
  uint64_t bytes = 0;
  friend bool operator==(const CacheRequest&, const CacheRequest&) = default;
};

struct CacheReply {
  uint64_t number = 0;  // of kEvict: the bytes; of kPin and kUnpin: 1 if it was done
  CacheReport report;   // of kReport
  friend bool operator==(const CacheReply&, const CacheReply&) = default;
};

std::string EncodeCacheRequest(const CacheRequest& request);
std::string EncodeCacheReply(const CacheReply& reply);
// kCorruption: damaged bytes. kNotSupported: an unknown operation, or not a message of a cache.
Result<CacheRequest> DecodeCacheRequest(std::string_view bytes);
Result<CacheReply> DecodeCacheReply(std::string_view bytes);

}  // namespace rawkv
