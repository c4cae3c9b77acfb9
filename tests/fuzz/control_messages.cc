#include "base/sealed_file.h"
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

}  // namespace

Verdict FuzzControlRequest(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckControlRequest);
}

Verdict FuzzControlReply(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckControlReply);
}

}  // namespace rawkv::fuzz
