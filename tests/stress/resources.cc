#include "tests/stress/resources.h"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace rawkv::stress {
namespace {

namespace fs = std::filesystem;

uint64_t CountEntries(const char* dir) {
  std::error_code ignored;
  return static_cast<uint64_t>(std::distance(fs::directory_iterator(dir, ignored), fs::directory_iterator()));
}

// Does not count the kernel's workers of an io_uring, which stay idle for some seconds after it is closed.
uint64_t CountThreads() {
  uint64_t threads = 0;
  std::error_code ignored;
  for (const fs::directory_entry& task : fs::directory_iterator("/proc/self/task", ignored)) {
    std::string name;
    std::ifstream comm(task.path() / "comm");
    if (std::getline(comm, name) && !name.starts_with("iou-")) ++threads;  // no name: it has just ended
  }
  return threads;
}

}  // namespace

std::string Resources::Describe() const {
  return "RSS " + std::to_string(rss_mib) + " MiB, " + std::to_string(descriptors) + " descriptors, " +
         std::to_string(threads) + " threads, metadata " + std::to_string(metadata_kib) + " KiB in " +
         std::to_string(metadata_files) + " files";
}

Resources MeasureResources(const std::string& store) {
  Resources out;
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    uint64_t kib = 0;
    if (word == "VmRSS:" && status >> kib) out.rss_mib = kib / 1024;
  }
  out.descriptors = CountEntries("/proc/self/fd");
  out.threads = CountThreads();
  std::error_code error;
  for (fs::recursive_directory_iterator it(store, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;  // files come and go meanwhile
    if (!it->is_regular_file(gone) || it->path().filename() == "device.img") continue;
    const uint64_t bytes = it->file_size(gone);
    if (gone) continue;
    out.metadata_kib += bytes / 1024;
    ++out.metadata_files;
  }
  return out;
}

}  // namespace rawkv::stress
