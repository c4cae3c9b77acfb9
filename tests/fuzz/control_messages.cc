#include "base/sealed_file.h"
#include "engine/cache_api/cache_message.h"
#include "engine/cache_api/cache_options.h"
#include "engine/control/control_message.h"
#include "tests/fuzz/reseal.h"
#include "tests/fuzz/targets.h"

namespace rawkv::fuzz {
namespace {

Verdict CheckControlRequest(std::string_view bytes) {
  return CheckDecoded(DecodeControlRequest(bytes), [&](const ControlRequest& request) {
    const Result<ControlRequest> again = DecodeControlRequest(EncodeControlRequest(request));
    RAWKV_CHECK(again.ok() && again->operation == request.operation && again->name == request.name &&
                    again->number == request.number && again->settings == request.settings,
                "a request that was read must be readable once it is encoded again");
  });
}

Verdict CheckControlReply(std::string_view bytes) {
  return CheckDecoded(DecodeControlReply(bytes), [&](const ControlReply& reply) {
    const Result<ControlReply> again = DecodeControlReply(EncodeControlReply(reply));
    RAWKV_CHECK(again.ok() && again->status.code() == reply.status.code() &&
                    again->versions == reply.versions && again->settings == reply.settings,
                "a reply that was read must be readable once it is encoded again");
  });
}

Verdict CheckCacheRequest(std::string_view bytes) {
  return CheckDecoded(DecodeCacheRequest(bytes), [&](const CacheRequest& request) {
    const Result<CacheRequest> again = DecodeCacheRequest(EncodeCacheRequest(request));
    RAWKV_CHECK(again.ok() && *again == request,
                "a request that was read must be readable once it is encoded again");
  });
}

Verdict CheckCacheReply(std::string_view bytes) {
  return CheckDecoded(DecodeCacheReply(bytes), [&](const CacheReply& reply) {
    const Result<CacheReply> again = DecodeCacheReply(EncodeCacheReply(reply));
    RAWKV_CHECK(again.ok() && *again == reply,
                "a reply that was read must be readable once it is encoded again");
  });
}

}  // namespace

Verdict FuzzCacheRequest(ConstBytes input) {
  return CheckCacheRequest(AsStringView(input));
}

Verdict FuzzCacheReply(ConstBytes input) {
  return CheckCacheReply(AsStringView(input));
}

Verdict FuzzCacheOptions(ConstBytes input) {
  const Result<ObjectCacheOptions> options = ObjectCacheOptions::FromJson(AsStringView(input));
  RAWKV_CHECK(
      options.ok() ? options->Validate().ok() : options.status().code() == StatusCode::kInvalidArgument,
      "options are valid, or refused with kInvalidArgument");
  return options.ok() ? Verdict::kAccepted : Verdict::kRefused;
}

Verdict FuzzControlRequest(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckControlRequest);
}

Verdict FuzzControlReply(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckControlReply);
}

}  // namespace rawkv::fuzz
