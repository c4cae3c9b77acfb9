#include <string>

#include "blockdev/nvme_command.h"
#include "tests/fuzz/targets.h"

namespace rawkv::fuzz {
namespace {

Verdict CheckController(ConstBytes bytes) {
  return CheckDecoded(ParseNvmeController(bytes), [](const NvmeController& controller) {
    RAWKV_CHECK(controller.model.size() <= 40, "a model has at most 40 bytes");
    for (const char c : controller.model) {
      RAWKV_CHECK(c >= ' ' && c <= '~', "a model must be printable, since it stands in messages");
    }
    const NvmeQueueLimits queue{.max_transfer_bytes = 512 << 10, .max_segments = 127};
    const Result<uint64_t> limit = NvmeTransferLimit(queue, controller, 512, "ng");
    RAWKV_CHECK(limit.ok() && *limit >= kBlockAlign && *limit <= 508 << 10 && IsAligned(*limit),
                "the limit of a drive must lower that of the kernel, but not to zero");
  });
}

Verdict CheckNamespace(ConstBytes bytes) {
  return CheckDecoded(ParseNvmeNamespace(bytes), [](const NvmeNamespace& space) {
    RAWKV_CHECK(space.block_bytes >= 512 && (space.block_bytes & (space.block_bytes - 1)) == 0,
                "a block must be a power of two of at least 512 bytes");
    RAWKV_CHECK(space.size_bytes >= space.block_bytes && space.size_bytes % space.block_bytes == 0,
                "a namespace must consist of whole blocks");
    const Status usable = CheckNvmeFormat(space, "ng");
    if (usable.ok()) {
      RAWKV_CHECK(space.metadata_bytes == 0 && space.protection_type == 0 && space.block_bytes <= kBlockAlign,
                  "a usable format has small blocks without metadata");
    } else {
      CheckRefusal(usable);
    }
  });
}

Verdict CheckDescriptors(ConstBytes bytes) {
  return ParseNvmeCommandSet(bytes) ? Verdict::kAccepted : Verdict::kRefused;
}

}  // namespace

Verdict FuzzNvmeIdentify(ConstBytes input) {
  if (input.empty()) return Verdict::kRefused;
  const ConstBytes structure = input.subspan(1);
  switch (std::to_integer<uint8_t>(input[0]) % 3) {
    case 0:
      return CheckNamespace(structure);
    case 1:
      return CheckController(structure);
    default:
      return CheckDescriptors(structure);
  }
}

}  // namespace rawkv::fuzz
