#include "tools/cli/child_process.h"

#include <errno.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

extern char** environ;

namespace rawkv::ctl {
namespace {

// A range of descriptors that is certainly free.
constexpr int kFreeDescriptors = 100;

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (std::string& s : strings) out.push_back(s.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Result<pid_t> StartChild(const ChildProgram& program) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // All descriptors first move to free numbers: dup2 must not overwrite a descriptor that a later dup2 needs,
  // and dup2 of a descriptor onto itself would keep close-on-exec.
  int moved = kFreeDescriptors;
  for (const auto& descriptor : program.descriptors) {
    posix_spawn_file_actions_adddup2(&actions, descriptor.ours, moved++);
  }
  moved = kFreeDescriptors;
  for (const auto& descriptor : program.descriptors) {
    posix_spawn_file_actions_adddup2(&actions, moved, descriptor.childs);
    posix_spawn_file_actions_addclose(&actions, moved++);
  }
  if (!program.working_directory.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, program.working_directory.c_str());
  }
  std::vector<std::string> arguments = program.arguments;
  arguments.insert(arguments.begin(), program.path);
  std::vector<std::string> environment = program.environment.value_or(std::vector<std::string>());
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program.path.c_str(), &actions, nullptr, Pointers(arguments).data(),
                                program.environment.has_value() ? Pointers(environment).data() : environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Status::FromErrno(error, "cannot start " + program.path);
  return pid;
}

int WaitForChild(pid_t pid) {
  int wait_status = 0;
  pid_t ended = -1;
  do {
    ended = waitpid(pid, &wait_status, 0);
  } while (ended < 0 && errno == EINTR);
  RAWKV_CHECK(ended == pid, "the process must be a child that nobody waited for");
  return wait_status;
}

Result<UniqueFd> MakeMemoryFile(std::string_view content) {
  UniqueFd file(memfd_create("rawkv-child", MFD_CLOEXEC));
  if (!file.valid()) return Status::FromErrno(errno, "memfd_create");
  const ssize_t written = pwrite(file.get(), content.data(), content.size(), 0);
  if (written < 0) return Status::FromErrno(errno, "writing to a memory file");
  RAWKV_CHECK(static_cast<size_t>(written) == content.size(), "memory files take whole writes");
  return file;
}

std::string ReadMemoryFile(const UniqueFd& file) {
  std::string content;
  char buffer[65536];
  for (ssize_t got = 0;
       (got = pread(file.get(), buffer, sizeof(buffer), static_cast<off_t>(content.size()))) > 0;) {
    content.append(buffer, static_cast<size_t>(got));
  }
  return content;
}

}  // namespace rawkv::ctl
