#include "tools/bench/machine.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "tools/cli/byte_size.h"
#include "tools/cli/text_format.h"

namespace rawkv::bench {
namespace {

constexpr const char* kUnknown = "unknown";

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line.empty() ? kUnknown : line;
}

// The rest of the first line of the file that begins with `name`, after the colon.
std::string FieldOf(const std::string& path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with(name) && colon != std::string::npos) return line.substr(colon + 2);
  }
  return kUnknown;
}

// Type and source of the filesystem with the device number, from the lines of mountinfo:
// "36 35 98:0 /mnt1 /mnt2 rw - ext3 /dev/root rw".
std::pair<std::string, std::string> FilesystemOf(const std::string& device_number) {
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream stream(line);
    const std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
    if (words.size() < 3 || words[2] != device_number) continue;
    for (size_t i = 0; i + 2 < words.size(); ++i) {
      if (words[i] == "-") return {words[i + 1], words[i + 2]};
    }
  }
  return {kUnknown, kUnknown};
}

std::string DeviceOf(const std::string& device_number) {
  const std::string sys = "/sys/dev/block/" + device_number;
  const bool partition = access((sys + "/partition").c_str(), F_OK) == 0;
  const std::string disk = partition ? sys + "/.." : sys;
  if (access((disk + "/queue").c_str(), F_OK) != 0) return "not a block device";
  return fmt::format("model {}, rotational {}, {}, scheduler {}", FirstLine(disk + "/device/model"),
                     FirstLine(disk + "/queue/rotational"), FirstLine(disk + "/queue/write_cache"),
                     FirstLine(disk + "/queue/scheduler"));
}

}  // namespace

Machine ReadMachine(const std::string& dir) {
  Machine out;
  const auto add = [&out](const char* name, std::string value) {
    out.facts.emplace_back(name, std::move(value));
  };
  add("processor", FieldOf("/proc/cpuinfo", "model name"));
  add("processors", std::to_string(std::thread::hardware_concurrency()));
  add("memory", ctl::HumanBytes(static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                                static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE))));
  utsname system{};
  uname(&system);
  add("kernel", fmt::format("{} {} {}", system.sysname, system.release, system.machine));
  struct stat where {};
  std::string number = kUnknown;
  if (stat(dir.c_str(), &where) == 0) number = fmt::format("{}:{}", major(where.st_dev), minor(where.st_dev));
  const auto [type, source] = FilesystemOf(number);
  add("filesystem", type + " on " + source);
  add("device", DeviceOf(number));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  add("time", ctl::UtcTime(
                  static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count())));
#ifdef NDEBUG
  add("build", "release");
#else
  add("build", "with debug checks");
#endif
  add("load at the start", LoadAverage());
  return out;
}

std::string LoadAverage() {
  const std::string line = FirstLine("/proc/loadavg");
  return line.substr(0, line.find(' ', line.find(' ', line.find(' ') + 1) + 1));
}

}  // namespace rawkv::bench
