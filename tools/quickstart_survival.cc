#include "tools/quickstart_survival.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "tools/quickstart_process.h"
#include "tools/quickstart_worker.h"

namespace rawkv::quickstart {
namespace {

constexpr int kExtraKillsMax = 4;
constexpr uint64_t kFirstDelayNs = 300'000;  // before any commit has been timed

// A forked process that runs RunWorker. Killed and reaped when destroyed.
class Worker {
 public:
  static Result<std::unique_ptr<Worker>> Start(const ReplayPlan& plan) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return Status::FromErrno(errno, "pipe2");
    UniqueFd in(fds[0]), out(fds[1]);
    const pid_t pid = fork();
    if (pid < 0) return Status::FromErrno(errno, "fork");
    if (pid == 0) {
      in.Reset();
      _exit(RunWorker(plan, out.get()));  // nothing of the parent's is unwound here
    }
    return std::unique_ptr<Worker>(new Worker(pid, std::move(in)));
  }
  ~Worker() { Kill(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Nothing at the end of the pipe: the worker has ended.
  Result<std::optional<WorkerEvent>> Next() {
    WorkerEvent event;
    auto* raw = reinterpret_cast<char*>(&event);
    for (size_t done = 0; done < sizeof(event);) {
      const ssize_t n = read(events_.get(), raw + done, sizeof(event) - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Status::FromErrno(errno, "reading from the replaying process");
      if (n == 0) return std::optional<WorkerEvent>();
      done += static_cast<size_t>(n);
    }
    event.text[sizeof(event.text) - 1] = '\0';
    return std::optional<WorkerEvent>(event);
  }

  void Kill() {
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    Reap();
  }

  // How it ended, for people.
  std::string Reap() {
    int wait_status = 0;
    while (waitpid(pid_, &wait_status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    if (!WIFSIGNALED(wait_status)) return "status " + std::to_string(WEXITSTATUS(wait_status));
    return "signal " + std::to_string(WTERMSIG(wait_status));
  }

 private:
  Worker(pid_t pid, UniqueFd events) : pid_(pid), events_(std::move(events)) {}
  pid_t pid_;  // -1: reaped
  UniqueFd events_;
};

class Survivor {
 public:
  Survivor(const ReplayPlan& plan, std::mt19937_64& random, StageProgress& progress)
      : plan_(plan), random_(random), progress_(progress) {
    const uint64_t size = plan.history->size();
    for (uint64_t target : {size / 3, 2 * size / 3}) {
      target = std::max<uint64_t>(target, 1);
      if (targets_.empty() || targets_.back() < target) targets_.push_back(target);
    }
  }

  Result<ReplayResult> Run() {
    const uint64_t begin_ns = SystemClock().MonotonicNs();
    for (bool done = false; !done;) {
      RAWKV_ASSIGN_OR_RETURN(const auto worker, Worker::Start(plan_));
      RAWKV_ASSIGN_OR_RETURN(done, Follow(*worker));
    }
    result_.wall_ns = SystemClock().MonotonicNs() - begin_ns;
    result_.commits = acknowledged_;
    return std::move(result_);
  }

 private:
  // Follows one worker to its end: true if the replay is complete, false if the worker was killed.
  Result<bool> Follow(Worker& worker) {
    bool killed = false;
    for (;;) {
      RAWKV_ASSIGN_OR_RETURN(const auto event, worker.Next());
      if (!event.has_value() && killed) {
        Remember();
        return false;
      }
      if (!event.has_value()) return Status::Internal("the replaying process ended by " + worker.Reap());
      if (InterruptPending()) return Status::FailedPrecondition("interrupted");
      if (event->kind == WorkerEvent::Kind::kDone) {
        if (!killed) return true;
        continue;  // the kill came too late to matter; the next worker finds that all is there
      }
      RAWKV_RETURN_IF_ERROR(Take(*event));
      const bool due =
          event->kind == WorkerEvent::Kind::kBegun && !targets_.empty() && event->version >= targets_.front();
      if (due && !killed) {
        Delay();
        worker.Kill();  // what it still told before is in the pipe
        killed = true;
      }
    }
  }

  Status Take(const WorkerEvent& event) {
    switch (event.kind) {
      case WorkerEvent::Kind::kOpened:
        return TakeOpened(event);
      case WorkerEvent::Kind::kCompared:
        if (event.version > 0) ++result_.compared.versions;
        result_.compared.keys += event.keys;
        result_.compared.value_bytes += event.value_bytes;
        return Status::Ok();
      case WorkerEvent::Kind::kBegun:
        begun_ = event.version;
        progress_.Show("replay", begun_, plan_.history->size());
        return Status::Ok();
      case WorkerEvent::Kind::kCommitted:
        acknowledged_ = event.version;
        result_.commit_ns += event.nanoseconds;
        return Status::Ok();
      case WorkerEvent::Kind::kDone:
      case WorkerEvent::Kind::kFailed:
        break;
    }
    return Status(event.code == StatusCode::kOk ? StatusCode::kInternal : event.code, event.text);
  }

  Status TakeOpened(const WorkerEvent& event) {
    if (event.version < acknowledged_ || event.version > begun_) {
      return Status::Corruption(
          "after SIGKILL the store came back at version " + std::to_string(event.version) +
          "; acknowledged: " + std::to_string(acknowledged_) + ", begun: " + std::to_string(begun_));
    }
    if (!result_.kills.empty()) {
      result_.kills.back().came_back = event.version;
      result_.kills.back().open_ns = event.nanoseconds;
    }
    acknowledged_ = begun_ = event.version;
    return Status::Ok();
  }

  // The kill is to fall inside the commit just begun: somewhere within the usual length of one.
  void Delay() {
    const uint64_t usual_ns = acknowledged_ == 0 ? kFirstDelayNs : result_.commit_ns / acknowledged_;
    const uint64_t delay_ns = random_() % (usual_ns + 1);
    const timespec delay = {static_cast<time_t>(delay_ns / 1'000'000'000),
                            static_cast<long>(delay_ns % 1'000'000'000)};
    nanosleep(&delay, nullptr);  // cut short by a signal: just as random
  }

  void Remember() {
    const Survival kill = {.begun = begun_, .acknowledged = acknowledged_};
    result_.kills.push_back(kill);
    targets_.erase(targets_.begin());
    // It fell between two commits: once more, soon.
    if (!kill.inside_commit() && extra_kills_ < kExtraKillsMax && begun_ < plan_.history->size()) {
      ++extra_kills_;
      targets_.insert(targets_.begin(), begun_ + 1);
    }
  }

  const ReplayPlan& plan_;
  std::mt19937_64& random_;
  StageProgress& progress_;
  std::vector<uint64_t> targets_;  // versions to be killed in, ascending
  int extra_kills_ = 0;
  uint64_t begun_ = 0;
  uint64_t acknowledged_ = 0;
  ReplayResult result_;
};

}  // namespace

Result<ReplayResult> ReplayAndSurvive(const ReplayPlan& plan, std::mt19937_64& random,
                                      StageProgress& progress) {
  return Survivor(plan, random, progress).Run();
}

}  // namespace rawkv::quickstart
