#include "tools/bench/fleet.h"

#include <errno.h>
#include <fcntl.h>

#include <algorithm>

#include "base/fs_ops.h"
#include "base/unique_fd.h"
#include "blockdev/superblock.h"
#include "engine/engine.h"
#include "tools/bench/files.h"
#include "tools/bench/work.h"

namespace rawkv::bench {
namespace {

constexpr uint64_t kKeysMin = 8;
constexpr uint64_t kBatchBytes = 4ull << 20;
constexpr uint64_t kBatchKeys = 1000;

Status Load(Subject& subject, const std::vector<uint64_t>& order) {
  const uint64_t value_bytes = subject.options.value_bytes;
  const uint64_t batch = std::clamp<uint64_t>(kBatchBytes / value_bytes, 1, kBatchKeys);
  for (size_t at = 0; at < order.size(); at += batch) {
    const size_t end = std::min<size_t>(order.size(), at + batch);
    RAWKV_RETURN_IF_ERROR(CommitKeys(subject, std::span(order).subspan(at, end - at), CommitMode::kUnsynced));
  }
  RAWKV_RETURN_IF_ERROR(subject.peer->Sync());
  subject.keys = order.size();
  return subject.peer->Settle();
}

Status Verify(Subject& subject) {
  RAWKV_ASSIGN_OR_RETURN(const auto reader, subject.peer->NewReader());
  for (uint64_t number = 0; number < subject.keys; ++number) {
    RAWKV_ASSIGN_OR_RETURN(const ConstBytes value, reader->Get(KeyOf(number)));
    RAWKV_RETURN_IF_ERROR(CheckAll(number, subject.options.value_bytes, value));
  }
  uint64_t scanned = 0;
  RAWKV_RETURN_IF_ERROR(subject.peer->Scan("", subject.keys + 1, [&](std::string_view key, ConstBytes value) {
    if (key != KeyOf(scanned)) return Status::Corruption("a scan misses " + KeyOf(scanned));
    return CheckAll(scanned++, subject.options.value_bytes, value);
  }));
  return scanned == subject.keys ? Status::Ok() : Status::Corruption("a scan ended before the last key");
}

}  // namespace

Result<std::unique_ptr<Fleet>> Fleet::Make(const RunOptions& options, const std::string& dir,
                                           uint64_t value_bytes, Random& random) {
  std::unique_ptr<Fleet> fleet(new Fleet(dir));
  RAWKV_RETURN_IF_ERROR(PosixFs().MakeDir(dir));
  const uint64_t keys = std::clamp(options.data_bytes / value_bytes, kKeysMin, options.keys_max);
  const std::vector<uint64_t> order = Shuffled(keys, random);
  for (const std::string& name : options.peers) {
    if (name == "fio") continue;
    auto subject = std::make_unique<Subject>();
    subject->name = name;
    RAWKV_ASSIGN_OR_RETURN(subject->kind, ParsePeerName(name));
    std::string folder = name;
    std::replace(folder.begin(), folder.end(), ':', '-');
    subject->options = {.dir = JoinPath(dir, folder),
                        .device = subject->kind.kind->name == "rawkv" ? options.device : "",
                        .engine = subject->kind.engine,
                        .value_bytes = value_bytes,
                        .data_bytes = keys * value_bytes};
    subject->peer = subject->kind.kind->make(subject->options);
    Status status = subject->peer->Open(Access::kRandom);
    if (status.ok()) status = Load(*subject, order);
    if (status.ok()) status = Verify(*subject);
    if (status.ok()) status = subject->peer->Rest();
    RAWKV_RETURN_IF_ERROR(status.WithContext(name + ": loading values of " + SizeName(value_bytes)));
    fleet->subjects_.push_back(std::move(subject));
  }
  return fleet;
}

Fleet::~Fleet() {
  for (const auto& subject : subjects_) (void)subject->peer->Close();
  subjects_.clear();
  (void)RemoveTree(PosixFs(), dir_);
}

Result<FioArea> Fleet::Area() {
  FioArea area{.write_path = JoinPath(dir_, "fio.img")};
  for (const auto& subject : subjects_) area.bytes = std::max(area.bytes, subject->options.data_bytes);
  area.bytes = AlignUp(std::max<uint64_t>(area.bytes, 32ull << 20), 1 << 20);
  RAWKV_RETURN_IF_ERROR(MakeFilledFile(area.write_path, area.bytes));
  if (!OpenUninterrupted(area.write_path, O_RDONLY | O_DIRECT).valid() && errno == EINVAL) {
    return Status::NotSupported("the filesystem has no direct I/O");
  }
  area.read_path = area.write_path;
  for (const auto& subject : subjects_) {
    if (subject->kind.kind->name != "rawkv") continue;
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, subject->peer->engine()->Info());
    // Values in the index are not on the device, which then has no area that was written.
    if (subject->options.value_bytes <= info.inline_bytes) continue;
    RAWKV_ASSIGN_OR_RETURN(const OpenedDevice device, OpenBlockDevice(info.device_path, {.writable = false}));
    RAWKV_ASSIGN_OR_RETURN(const Superblock superblock, SuperblockStore(*device.device).Load());
    area.read_path = info.device_path;
    area.read_offset = superblock.layout.slots_offset;
    break;
  }
  return area;
}

}  // namespace rawkv::bench
