#include "blockdev/nvme_block_device.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "blockdev/nvme_status.h"
#include "blockdev/transfer.h"

namespace rawkv {
namespace {

// Issues a command that changes nothing if it is repeated, and returns its result.
template <typename Issue>
int64_t IssueWithRetries(const Issue& issue) {
  for (int retries = 0;; ++retries) {
    const int64_t result = ResultOfNvmeCommand(issue(), 0);
    const auto status = NvmeStatusOfResult(result);
    if (!status || !status->Retryable() || retries == Transfer::kMaxNvmeRetries) return result;
    PauseForRetry();
  }
}

std::string WordsOfResult(int64_t result) {
  const auto status = NvmeStatusOfResult(result);
  return status ? status->ToString() : std::strerror(static_cast<int>(-result));
}

Status StatusOfResult(int64_t result, const std::string& what) {
  if (result >= 0) return Status::Ok();
  const auto status = NvmeStatusOfResult(result);
  if (status) return Status::FromErrno(status->Errno(), what + " (" + status->ToString() + ")");
  Status failed = Status::FromErrno(static_cast<int>(-result), what);
  if (result != -EACCES && result != -EPERM) return failed;
  return failed.WithContext("before Linux 6.2, NVMe commands need the capability CAP_SYS_ADMIN");
}

Result<AlignedBuffer> Identify(NvmeIdentify what, uint32_t namespace_id, const std::string& path, int fd,
                               RawIo& raw) {
  AlignedBuffer bytes(kNvmeIdentifyBytes);
  std::memset(bytes.data(), 0, bytes.size());
  const nvme_uring_cmd command = EncodeNvmeIdentify(what, namespace_id, bytes.bytes());
  RAWKV_RETURN_IF_ERROR(
      StatusOfResult(IssueWithRetries([&] { return raw.NvmeAdmin(fd, command); }), "identify of " + path));
  return bytes;
}

// Drives of NVMe 1.x lack the list of descriptors, and the kernel reserves it for privileged programs. Zones
// are then known from the kernel's queue.
Status CheckCommandSet(const std::string& path, const NvmeNode& node, uint32_t namespace_id, RawIo& raw) {
  const Result<AlignedBuffer> list =
      Identify(NvmeIdentify::kDescriptors, namespace_id, path, node.fd.get(), raw);
  const uint8_t set = list.ok() ? ParseNvmeCommandSet(list->bytes()).value_or(0) : 0;
  if (set == 0 && !node.limits.zoned) return Status::Ok();
  const std::string what = set == 1                        ? "the key value command set"
                           : set == 2 || node.limits.zoned ? "zones"
                                                           : "command set " + std::to_string(set);
  return Status::NotSupported(path + ": the namespace has " + what +
                              "; rawkv needs a namespace of ordinary blocks");
}

Result<NvmeNamespace> FindNamespace(const std::string& path, int fd, uint32_t namespace_id, RawIo& raw) {
  RAWKV_ASSIGN_OR_RETURN(const AlignedBuffer bytes,
                         Identify(NvmeIdentify::kNamespace, namespace_id, path, fd, raw));
  Result<NvmeNamespace> space = ParseNvmeNamespace(bytes.bytes());
  return space.ok() ? space : space.status().WithContext(path);
}

}  // namespace

Result<NvmeBlockDevice::Facts> NvmeBlockDevice::FindFacts(const std::string& path, const NvmeNode& node,
                                                          RawIo& raw) {
  Facts facts{.writable = node.writable};
  const int fd = node.fd.get();
  const int64_t id = raw.NvmeNamespaceId(fd);
  if (id <= 0) return Status::FromErrno(id == 0 ? EIO : static_cast<int>(-id), "namespace of " + path);
  facts.target.namespace_id = static_cast<uint32_t>(id);

  RAWKV_ASSIGN_OR_RETURN(const AlignedBuffer controller,
                         Identify(NvmeIdentify::kController, facts.target.namespace_id, path, fd, raw));
  RAWKV_ASSIGN_OR_RETURN(facts.controller, ParseNvmeController(controller.bytes()));
  RAWKV_RETURN_IF_ERROR(CheckCommandSet(path, node, facts.target.namespace_id, raw));
  RAWKV_ASSIGN_OR_RETURN(facts.space, FindNamespace(path, fd, facts.target.namespace_id, raw));
  RAWKV_RETURN_IF_ERROR(CheckNvmeFormat(facts.space, path));
  if (node.writable && facts.space.write_protected) {
    return Status::FailedPrecondition(path +
                                      ": the namespace is write protected; remove the protection first");
  }
  if (facts.space.size_bytes < kBlockAlign) {
    return Status::FailedPrecondition(path + ": holds " + std::to_string(facts.space.size_bytes) +
                                      " bytes, less than one block; is it the right device?");
  }
  facts.target.block_bytes = facts.space.block_bytes;
  RAWKV_ASSIGN_OR_RETURN(facts.target.transfer_bytes,
                         NvmeTransferLimit(node.limits, facts.controller, facts.space.block_bytes, path));
  facts.target.deallocate_bytes = NvmeDeallocateLimit(node.limits, facts.space.block_bytes);
  return facts;
}

Result<std::unique_ptr<NvmeBlockDevice>> NvmeBlockDevice::Make(std::string path, NvmeNode node,
                                                               std::shared_ptr<RawIo> raw, Rings rings) {
  RAWKV_ASSIGN_OR_RETURN(Facts facts, FindFacts(path, node, *raw));
  RingFactory make_ring = [make = std::move(rings.make), target = facts.target, writable = node.writable](
                              int fd, uint32_t entries) -> Result<std::unique_ptr<IoRing>> {
    RAWKV_ASSIGN_OR_RETURN(auto commands, make(fd, entries));
    return std::unique_ptr<IoRing>(std::make_unique<NvmeRing>(
        std::move(commands), NvmeRing::Options{.target = target, .writable = writable, .entries = entries}));
  };
  Result<std::unique_ptr<IoRing>> first = make_ring(node.fd.get(), rings.queue_depth);
  if (!first.ok()) {
    return Status::NotSupported("engine nvme for " + path + ": " + first.status().message() +
                                "; use the block device of the namespace");
  }
  const Geometry geometry{.kind = DeviceKind::kNvmeChar,
                          .capacity_bytes = facts.space.size_bytes / kBlockAlign * kBlockAlign,
                          .direct = true,
                          .discard_supported = node.writable && facts.controller.deallocates,
                          .file_id = node.file_id};
  return std::unique_ptr<NvmeBlockDevice>(new NvmeBlockDevice(
      std::move(path), geometry, std::move(node), std::move(raw), std::move(facts),
      {.make = std::move(make_ring), .queue_depth = rings.queue_depth}, *std::move(first)));
}

NvmeBlockDevice::NvmeBlockDevice(std::string path, Geometry geometry, NvmeNode node,
                                 std::shared_ptr<RawIo> raw, Facts facts, IoUringBlockDevice::Rings rings,
                                 std::unique_ptr<IoRing> first)
    : IoUringBlockDevice(std::move(path), geometry, std::move(node.fd), std::move(raw), std::move(rings),
                         std::move(first)),
      exclusive_(std::move(node.exclusive)),
      facts_(std::move(facts)) {}

std::string NvmeBlockDevice::Describe() const {
  return facts_.controller.model + ", at most " + std::to_string(facts_.target.transfer_bytes / 1024) +
         " KiB a command, " +
         (facts_.controller.volatile_write_cache
              ? "with a volatile write cache"
              : "without a volatile write cache, so that flushes do nothing");
}

void NvmeBlockDevice::DoSubmit(std::span<IoRequest> batch, const OnDone& on_done) {
  const uint64_t limit = facts_.target.transfer_bytes;
  if (std::all_of(batch.begin(), batch.end(),
                  [limit](const IoRequest& request) { return request.buffer.size() <= limit; })) {
    return IoUringBlockDevice::DoSubmit(batch, on_done);
  }
  std::vector<IoRequest> pieces;
  std::vector<size_t> owners;                 // of the pieces: index in the batch
  std::vector<size_t> left(batch.size(), 0);  // pieces of each request that have not ended
  for (size_t i = 0; i < batch.size(); ++i) {
    for (uint64_t at = 0; at < batch[i].buffer.size(); at += limit) {
      const uint64_t length = std::min<uint64_t>(limit, batch[i].buffer.size() - at);
      pieces.push_back({.kind = batch[i].kind,
                        .offset = batch[i].offset + at,
                        .buffer = batch[i].buffer.subspan(at, length)});
      owners.push_back(i);
      ++left[i];
    }
  }
  IoUringBlockDevice::DoSubmit(pieces, [&](size_t piece) {
    const size_t owner = owners[piece];
    if (batch[owner].status.ok()) batch[owner].status = pieces[piece].status;
    if (--left[owner] == 0 && on_done) on_done(owner);
  });
}

int64_t NvmeBlockDevice::Call(const Transfer& transfer) {
  if (transfer.kind() == IoKind::kWrite && !facts_.writable) return -EBADF;
  const Bytes part =
      transfer.buffer().first(std::min<uint64_t>(transfer.buffer().size(), facts_.target.transfer_bytes));
  const nvme_uring_cmd command =
      EncodeNvmeTransfer(facts_.target, transfer.kind(), transfer.offset(), part, NvmeFua::kNo);
  return ResultOfNvmeCommand(raw().NvmeIo(fd(), command), part.size());
}

Status NvmeBlockDevice::DoFlush() {
  // A device that is open for reading has written nothing.
  if (!facts_.controller.volatile_write_cache || !facts_.writable) return Status::Ok();
  const int64_t result = ResultOfNvmeCommand(raw().NvmeIo(fd(), EncodeNvmeFlush(facts_.target)), 0);
  if (result >= 0) return Status::Ok();
  // Never kNoSpace, which would mean that nothing was lost.
  return Status::IoError("flush of " + path() + ": " + WordsOfResult(result));
}

Status NvmeBlockDevice::DoDiscard(DeviceOffset offset, uint64_t length) {
  const std::string what = "discard of " + std::to_string(length) + " bytes at offset " +
                           std::to_string(offset.value()) + " of " + path();
  if (!facts_.writable) return Status::FailedPrecondition(what + ": it was opened read-only");
  if (!facts_.controller.deallocates) {
    return Status::NotSupported(what + ": the drive has no dataset management command");
  }
  for (uint64_t at = 0; at < length; at += facts_.target.deallocate_bytes) {
    NvmeRange range =
        EncodeNvmeRange(facts_.target, offset + at, std::min(facts_.target.deallocate_bytes, length - at));
    const nvme_uring_cmd command = EncodeNvmeDeallocate(facts_.target, range);
    RAWKV_RETURN_IF_ERROR(
        StatusOfResult(IssueWithRetries([&] { return raw().NvmeIo(fd(), command); }), what));
  }
  return Status::Ok();
}

Result<uint64_t> NvmeBlockDevice::DoFindSize() {
  RAWKV_ASSIGN_OR_RETURN(const NvmeNamespace now,
                         FindNamespace(path(), fd(), facts_.target.namespace_id, raw()));
  RAWKV_RETURN_IF_ERROR(CheckNvmeFormat(now, path()));
  if (now.block_bytes != facts_.target.block_bytes) {
    return Status::FailedPrecondition(path() + ": the namespace was formatted again while it was open");
  }
  return now.size_bytes;
}

}  // namespace rawkv
