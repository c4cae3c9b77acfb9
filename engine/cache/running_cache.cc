#include "engine/cache/running_cache.h"

#include "base/exception_status.h"
#include "engine/cache_api/cache_message.h"

namespace rawkv {
namespace {

Result<CacheReply> Ask(const RunningStore& store, const CacheRequest& request) {
  return NoThrow([&]() -> Result<CacheReply> {
    RAWKV_ASSIGN_OR_RETURN(const std::string reply, store.AskProgram(EncodeCacheRequest(request)));
    return DecodeCacheReply(reply);
  });
}

}  // namespace

Result<RunningCache> RunningCache::Find(const std::string& dir) {
  RAWKV_ASSIGN_OR_RETURN(RunningStore store, RunningStore::Find(dir));
  return RunningCache(std::move(store));
}

Result<CacheReport> RunningCache::Report(std::string_view prefix) const {
  RAWKV_ASSIGN_OR_RETURN(CacheReply reply, Ask(store_, {.operation = CacheRequest::Operation::kReport,
                                                        .text = std::string(prefix)}));
  return std::move(reply.report);
}

Result<uint64_t> RunningCache::Evict(uint64_t bytes) const {
  RAWKV_ASSIGN_OR_RETURN(const CacheReply reply,
                         Ask(store_, {.operation = CacheRequest::Operation::kEvict, .bytes = bytes}));
  return reply.number;
}

Result<bool> RunningCache::Pin(std::string_view key) const {
  RAWKV_ASSIGN_OR_RETURN(const CacheReply reply,
                         Ask(store_, {.operation = CacheRequest::Operation::kPin, .text = std::string(key)}));
  return reply.number != 0;
}

Result<bool> RunningCache::Unpin(std::string_view key) const {
  RAWKV_ASSIGN_OR_RETURN(const CacheReply reply, Ask(store_, {.operation = CacheRequest::Operation::kUnpin,
                                                              .text = std::string(key)}));
  return reply.number != 0;
}

}  // namespace rawkv
