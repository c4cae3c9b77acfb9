#include "engine/recovery/retry_while_changing.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "base/fs_ops.h"
#include "engine/store/store_paths.h"

namespace rawkv {
namespace {

constexpr int kAttempts = 100;
constexpr uint64_t kPauseMs = 10;
constexpr uint64_t kMinWaitMs = 1000;
constexpr uint64_t kMaxStoreFileBytes = 1 << 20;

std::string NamesIn(Fs& fs, const std::string& dir) {
  const Result<std::vector<std::string>> names = fs.List(dir);
  if (!names.ok()) return names.status().ToString();
  std::string all;
  for (const std::string& name : *names) {
    if (!name.starts_with("STATUS")) all += name + '/';  // replaced each second, and shows no change
  }
  return all;
}

std::string TextOf(const Result<std::string>& text) {
  return text.ok() ? *text : text.status().ToString();
}

std::string TracesOf(Fs& fs, const StorePaths& paths) {
  return NamesIn(fs, paths.dir) + '\n' + NamesIn(fs, paths.wal()) + '\n' +
         TextOf(fs.ReadLink(JoinPath(paths.dir, "current"))) + '\n' +
         TextOf(ReadFile(fs, paths.store(), kMaxStoreFileBytes));
}

}  // namespace

Status RetryWhileChanging(Fs& fs, const std::string& store_dir, uint64_t wait_ms,
                          const std::function<Status()>& work) {
  const StorePaths paths(store_dir);
  uint64_t waited_ms = 0;
  for (int changes = 0; changes < kAttempts;) {
    const std::string before = TracesOf(fs, paths);
    const Status done = work();
    if (done.ok()) return done;
    if (done.code() == StatusCode::kBusy) {
      if (waited_ms >= std::max(wait_ms, kMinWaitMs)) return done;
      std::this_thread::sleep_for(std::chrono::milliseconds(kPauseMs));
      waited_ms += kPauseMs;
      continue;
    }
    if (TracesOf(fs, paths) == before) return done;
    ++changes;
  }
  return Status::Busy(store_dir + ": the store changed during each attempt to read it; try again");
}

}  // namespace rawkv
