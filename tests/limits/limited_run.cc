#include "tests/limits/limited_run.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/unique_fd.h"

namespace rawkv {
namespace {

constexpr size_t kTextBytes = 2000;

LimitedResult Await(pid_t child, int error_fd) {
  int status = 0;
  RAWKV_CHECK(::waitpid(child, &status, 0) == child, "waitpid");
  LimitedResult result;
  if (WIFEXITED(status)) result.status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  std::string text(kTextBytes, '\0');
  const off_t end = ::lseek(error_fd, 0, SEEK_END);
  const off_t from = end > static_cast<off_t>(kTextBytes) ? end - static_cast<off_t>(kTextBytes) : 0;
  const ssize_t got = ::pread(error_fd, text.data(), text.size(), from);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  result.text = text;
  return result;
}

UniqueFd MemoryFile() {
  UniqueFd fd(::memfd_create("rawkv-limits", MFD_CLOEXEC));
  RAWKV_CHECK(fd.valid(), "tests need memfd_create");
  return fd;
}

}  // namespace

LimitedResult RunLimited(const std::string& program, const std::vector<std::string>& args,
                         const ApplyLimit& apply) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const UniqueFd error = MemoryFile();
  const UniqueFd nothing = MemoryFile();
  const pid_t child = ::fork();
  RAWKV_CHECK(child >= 0, "fork");
  if (child == 0) {
    ::dup2(nothing.get(), STDIN_FILENO);
    ::dup2(nothing.get(), STDOUT_FILENO);
    ::dup2(error.get(), STDERR_FILENO);
    apply();
    ::execv(program.c_str(), pointers.data());
    ::_exit(127);
  }
  return Await(child, error.get());
}

LimitedResult RunForked(const std::function<int()>& body) {
  const UniqueFd error = MemoryFile();
  const pid_t child = ::fork();
  RAWKV_CHECK(child >= 0, "fork");
  if (child == 0) {
    ::dup2(error.get(), STDERR_FILENO);
    ::_exit(body());
  }
  return Await(child, error.get());
}

}  // namespace rawkv
