#include "tools/cli/scratch_dir.h"

#include <errno.h>
#include <stdlib.h>

#include <filesystem>
#include <system_error>

namespace rawkv::ctl {

Result<std::string> MakeScratchDir(std::string_view program) {
  const char* const base = getenv("TMPDIR");
  std::error_code error;
  const std::string parent =
      std::filesystem::absolute(base != nullptr && *base != '\0' ? base : "/tmp", error).string();
  std::string path = parent + "/" + std::string(program) + "-XXXXXX";
  if (mkdtemp(path.data()) != nullptr) return path;
  return Status::FromErrno(errno,
                           "cannot make a directory in " + parent + " (set TMPDIR to use another place)");
}

}  // namespace rawkv::ctl
