// The program that tests/powercut/run starts in the virtual machine and on the host. It formats a store on
// two partitions of a drive, works on the store and writes marks to a third partition, and judges the store
// after a power cut by the last mark.
#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "blockdev/aligned_buffer.h"
#include "tools/torture/judge.h"
#include "tools/torture/message.h"
#include "tools/torture/worker.h"

namespace {

bool lie_about_syncs = false;

int SyncOrLie(long call, int fd) {
  return lie_about_syncs ? 0 : static_cast<int>(syscall(call, fd));
}

}  // namespace

// Replaces the functions of the C library for this program and all its libraries. With `lie` no sync and no
// NVMe flush takes place, and the campaign must detect the loss. (Files and block devices use the engine
// posix then, because io_uring does not call these functions.)
extern "C" int fsync(int fd) {
  return SyncOrLie(SYS_fsync, fd);
}
extern "C" int fdatasync(int fd) {
  return SyncOrLie(SYS_fdatasync, fd);
}

extern "C" int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  constexpr unsigned char kFlush = 0;
  if (lie_about_syncs && request == NVME_IOCTL_IO64_CMD &&
      static_cast<const nvme_passthru_cmd64*>(argument)->opcode == kFlush) {
    return 0;
  }
  return static_cast<int>(syscall(SYS_ioctl, fd, request, argument));
}

namespace rawkv::torture {
namespace {

// Writes all messages so far as text in one direct write. A message came before the power cut if and only if
// the recorded drive completed a mark that contains it.
class MarkSink final : public MessageSink {
 public:
  static constexpr uint64_t kBytes = 64 << 10;  // below the largest argument of a shell

  explicit MarkSink(const std::string& device)
      : fd_(open(device.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC)), block_(kBytes) {
    if (!fd_.valid()) Die(device);
    std::memset(block_.data(), 0, kBytes);
  }

  void Send(const Message& message) override {
    const MutexLock lock(mu_);
    const std::string text = ToText(message);
    if (used_ + text.size() >= kBytes) return Die("the messages do not fit into a mark: use a smaller ACTS");
    std::memcpy(block_.data() + used_, text.data(), text.size());
    used_ += text.size();
    const uint64_t bytes = (used_ / 4096 + 1) * 4096;
    if (pwrite(fd_.get(), block_.data(), bytes, 0) != static_cast<ssize_t>(bytes)) Die("mark");
  }

 private:
  static void Die(const std::string& what) {
    std::fprintf(stderr, "powercut: %s: %s\n", what.c_str(), strerror(errno));
    _exit(5);
  }

  Mutex mu_;
  UniqueFd fd_;
  AlignedBuffer block_ RAWKV_GUARDED_BY(mu_);
  uint64_t used_ RAWKV_GUARDED_BY(mu_) = 0;
};

Durability ParseDurability(const std::string& word) {
  return word == "synced" ? Durability::kSynced : Durability::kUnsafeUnsynced;
}

Status Format(const std::string& store, const std::string& device) {
  FormatOptions format;
  format.device = device;
  format.force = true;
  format.runtime.wal_segment_bytes = 1 << 20;
  return Engine::Format(store, format).status();
}

Status JudgeByMark(const JudgePlan& plan, Durability durability, const std::string& mark) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<Message> messages, ParseMessages(mark));
  History history(Version(0), durability == Durability::kSynced ? Promise::kAcknowledged : Promise::kDurable);
  for (const Message& message : messages) RAWKV_RETURN_IF_ERROR(history.Record(message));
  history.ProcessEnded();
  Judged judged;
  RAWKV_RETURN_IF_ERROR(Judge(plan, &history, &judged));
  std::printf(
      "judged: %llu acknowledged, tip %llu, %llu versions, %llu keys, %llu bytes, %llu lost undurable, "
      "%llu settled\n",
      static_cast<unsigned long long>(history.counts().acknowledged),
      static_cast<unsigned long long>(history.known().value()),
      static_cast<unsigned long long>(judged.versions), static_cast<unsigned long long>(judged.keys),
      static_cast<unsigned long long>(judged.value_bytes),
      static_cast<unsigned long long>(history.counts().lost_undurable),
      static_cast<unsigned long long>(history.counts().settled_doubts));
  return Status::Ok();
}

int End(const Status& status) {
  if (!status.ok()) std::printf("powercut: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

int Usage() {
  std::fprintf(stderr,
               "usage: rawkv-powercut format STORE DEVICE\n"
               "       rawkv-powercut work STORE DEVICE MARKS SCRATCH DURABILITY SEED ACTORS ACTS [lie]\n"
               "       rawkv-powercut judge STORE DEVICE DURABILITY SEED VERSIONS MARK\n");
  return 2;
}

int Main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "format" && argc == 4) return End(Format(argv[2], argv[3]));
  if (verb == "work" && (argc == 10 || argc == 11)) {
    lie_about_syncs = argc == 11;
    MarkSink sink(argv[4]);
    WorkerPlan plan = {.store = argv[2], .scratch = argv[5], .device = argv[3]};
    plan.durability = ParseDurability(argv[6]);
    plan.seed = std::strtoull(argv[7], nullptr, 10);
    const bool commands = plan.device.starts_with("/dev/ng");
    plan.engine = lie_about_syncs && !commands ? IoEngine::kPosix : IoEngine::kAuto;
    plan.actors = static_cast<uint32_t>(std::strtoul(argv[8], nullptr, 10));
    plan.acts_per_actor = std::strtoull(argv[9], nullptr, 10);
    return End(Work(plan, sink));
  }
  if (verb == "judge" && argc == 8) {
    const JudgePlan plan = {.store = argv[2],
                            .device = argv[3],
                            .engine = IoEngine::kPosix,
                            .seed = std::strtoull(argv[5], nullptr, 10),
                            .deep = true,
                            .samples = std::strtoull(argv[6], nullptr, 10)};
    return End(JudgeByMark(plan, ParseDurability(argv[4]), argv[7]));
  }
  return Usage();
}

}  // namespace
}  // namespace rawkv::torture

int main(int argc, char** argv) {
  return rawkv::torture::Main(argc, argv);
}
