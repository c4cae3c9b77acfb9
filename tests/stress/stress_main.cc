// Calls the public interface from many threads at once and compares it with a model of every version
// (docs/testing.md, "Stress").
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/stress/call_board.h"
#include "tests/stress/coordinator.h"
#include "tests/stress/stress_options.h"
#include "tests/stress/world.h"

namespace rawkv::stress {
namespace {

// Writes the first 16 MiB of the engine's log to a file, to investigate violations.
class FileLogger final : public Logger {
 public:
  explicit FileLogger(const std::string& path) : out_(path) {}
  void Log(LogLevel level, std::string_view message) override {
    MutexLock lock(mu_);
    if (written_ > (16u << 20)) return;
    written_ += message.size();
    out_ << (level == LogLevel::kError     ? "error: "
             : level == LogLevel::kWarning ? "warning: "
                                           : "")
         << message << std::endl;
  }

 private:
  Mutex mu_;
  std::ofstream out_ RAWKV_GUARDED_BY(mu_);
  uint64_t written_ RAWKV_GUARDED_BY(mu_) = 0;
};

std::string MakeDir(const StressOptions& options) {
  const char* set = getenv("TMPDIR");
  const std::string parent = !options.dir.empty()             ? options.dir
                             : set != nullptr && *set != '\0' ? set
                                                              : "/tmp";
  std::string path = parent + "/rawkv-stress-XXXXXX";
  return mkdtemp(path.data()) == nullptr ? "" : path;
}

int Run(const StressOptions& options) {
  const std::string run =
      "--seed=" + std::to_string(options.seed) + " --threads=" + std::to_string(options.threads);
  World world(options, run);
  world.dir = MakeDir(options);
  if (world.dir.empty()) {
    std::perror("rawkv-stress: no directory can be made below --dir");
    return 2;
  }
  std::printf("rawkv-stress %s --device=%s, %llu s, in %s\n", run.c_str(), options.device.c_str(),
              static_cast<unsigned long long>(options.seconds), world.dir.c_str());
  std::fflush(stdout);
  InstallCrashReport(&world.board);
  {
    FileLogger logger(world.dir + "/engine.log");
    const Watchdog watchdog(world.board, options.call_seconds, run);
    Coordinator(world, logger).Run();
    world.engine.reset();
  }
  InstallCrashReport(nullptr);
  const bool good = world.violations.count() == 0;
  std::printf("%s: %llu calls, %llu violations (%s)\n", good ? "passed" : "FAILED",
              static_cast<unsigned long long>(world.tally.total()),
              static_cast<unsigned long long>(world.violations.count()), run.c_str());
  if (good && !options.keep) {
    std::error_code ignored;
    std::filesystem::remove_all(world.dir, ignored);
  } else {
    std::printf("kept: %s\n", world.dir.c_str());
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace rawkv::stress

int main(int argc, char** argv) {
  rawkv::stress::StressOptions options;
  if (!rawkv::stress::ParseStressOptions(argc, argv, &options)) return 2;
  return rawkv::stress::Run(options);
}
