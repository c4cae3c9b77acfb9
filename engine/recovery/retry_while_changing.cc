#include "engine/recovery/retry_while_changing.h"

#include <chrono>
#include <thread>
#include <vector>

#include "base/fs_ops.h"
#include "engine/store/store_paths.h"

namespace rawkv {
namespace {

constexpr int kAttempts = 100;
constexpr int kPauseMs = 10;
constexpr uint64_t kMaxStoreFileBytes = 1 << 20;

std::string NamesIn(Fs& fs, const std::string& dir) {
  const Result<std::vector<std::string>> names = fs.List(dir);
  if (!names.ok()) return names.status().ToString();
  std::string all;
  for (const std::string& name : *names) all += name + '/';
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

Status RetryWhileChanging(Fs& fs, const std::string& store_dir, const std::function<Status()>& work) {
  const StorePaths paths(store_dir);
  for (int attempt = 1;; ++attempt) {
    const std::string before = TracesOf(fs, paths);
    const Status done = work();
    if (done.ok()) return done;
    const bool busy = done.code() == StatusCode::kBusy;
    if (!busy && TracesOf(fs, paths) == before) return done;
    if (attempt == kAttempts) {
      if (busy) return done;
      return Status::Busy(store_dir + ": the store changed each time it was read (" + done.message() +
                          "); try again");
    }
    if (busy) std::this_thread::sleep_for(std::chrono::milliseconds(kPauseMs));
  }
}

}  // namespace rawkv
