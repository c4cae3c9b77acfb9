#include "tools/bench/child.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tools/bench/work.h"
#include "tools/cli/child_process.h"

namespace rawkv::bench {
namespace {

constexpr std::string_view kTail = "tail", kMemory = "memory";

struct Ended {
  int wait_status = 0;
  std::string out;
};

Result<Ended> RunChild(std::string_view step, const Subject& subject, uint64_t commits) {
  const nlohmann::json what = {{"peer", subject.name},
                               {"dir", subject.options.dir},
                               {"device", subject.options.device},
                               {"value_bytes", subject.options.value_bytes},
                               {"data_bytes", subject.options.data_bytes},
                               {"keys", subject.keys.load()},
                               {"commits", commits}};
  RAWKV_ASSIGN_OR_RETURN(const UniqueFd out, ctl::MakeMemoryFile());
  RAWKV_ASSIGN_OR_RETURN(const pid_t pid,
                         ctl::StartChild({.path = "/proc/self/exe",
                                          .arguments = {"child", std::string(step), what.dump()},
                                          .descriptors = {{out.get(), 1}}}));
  const int status = ctl::WaitForChild(pid);
  return Ended{status, ctl::ReadMemoryFile(out)};
}

Result<uint64_t> OwnMemory() {
  std::ifstream file("/proc/self/status");
  for (std::string name; file >> name;) {
    uint64_t kibibytes = 0;
    if (name == "RssAnon:" && file >> kibibytes) return kibibytes << 10;
  }
  return Status::NotSupported("the kernel does not report the memory of a process (RssAnon)");
}

Status CommitTail(Subject& subject, uint64_t commits) {
  Random random(commits);
  for (uint64_t i = 0; i < commits; ++i) {
    RAWKV_RETURN_IF_ERROR(CommitOne(subject, CommitMode::kUnsynced, random));
  }
  kill(getpid(), SIGKILL);
  return Status::Internal("the process outlived SIGKILL");
}

Status MeasureMemory(Subject& subject, uint64_t at_start) {
  RAWKV_ASSIGN_OR_RETURN(const uint64_t after_open, OwnMemory());
  {
    RAWKV_ASSIGN_OR_RETURN(const auto reader, subject.peer->NewReader());
    for (uint64_t number = 0; number < subject.keys; ++number) {
      RAWKV_ASSIGN_OR_RETURN(const ConstBytes value, reader->Get(KeyOf(number)));
      RAWKV_RETURN_IF_ERROR(CheckPages(number, subject.options.value_bytes, value));
    }
  }
  RAWKV_ASSIGN_OR_RETURN(const uint64_t after_reads, OwnMemory());
  fmt::print("{} {}\n", after_open - std::min(after_open, at_start),
             after_reads - std::min(after_reads, at_start));
  return subject.peer->Close();
}

}  // namespace

Status CommitUntilKilled(const Subject& subject, uint64_t commits) {
  RAWKV_ASSIGN_OR_RETURN(const Ended ended, RunChild(kTail, subject, commits));
  if (WIFSIGNALED(ended.wait_status) && WTERMSIG(ended.wait_status) == SIGKILL) return Status::Ok();
  return Status::IoError("the process that commits ended before it killed itself");
}

Result<MemoryUse> MemoryOfChild(const Subject& subject) {
  RAWKV_ASSIGN_OR_RETURN(const Ended ended, RunChild(kMemory, subject, 0));
  std::istringstream out(ended.out);
  MemoryUse use;
  if (ended.wait_status != 0 || !(out >> use.after_open_bytes >> use.after_reads_bytes)) {
    return Status::IoError("the process that measures the memory failed");
  }
  return use;
}

Status RunAsChild(const std::vector<std::string>& words) {
  if (words.size() != 2) return Status::InvalidArgument("child is for rawkv-bench itself");
  const auto what = nlohmann::json::parse(words[1], nullptr, false);
  if (what.is_discarded()) return Status::InvalidArgument("child is for rawkv-bench itself");
  Subject subject;
  subject.name = what.at("peer");
  RAWKV_ASSIGN_OR_RETURN(subject.kind, ParsePeerName(subject.name));
  subject.options = {.dir = what.at("dir"),
                     .device = what.at("device"),
                     .engine = subject.kind.engine,
                     .value_bytes = what.at("value_bytes"),
                     .data_bytes = what.at("data_bytes")};
  subject.keys = what.at("keys").get<uint64_t>();
  (void)ValueOf(0, subject.options.value_bytes);  // makes the pool of values, which is not the peer's memory
  RAWKV_ASSIGN_OR_RETURN(const uint64_t at_start, OwnMemory());
  subject.peer = subject.kind.kind->make(subject.options);
  RAWKV_RETURN_IF_ERROR(subject.peer->Open(Access::kRandom));
  return words[0] == kTail ? CommitTail(subject, what.at("commits")) : MeasureMemory(subject, at_start);
}

}  // namespace rawkv::bench
