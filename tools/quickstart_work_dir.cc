#include "tools/quickstart_work_dir.h"

#include <filesystem>

#include "base/fs.h"
#include "base/fs_ops.h"
#include "base/logger.h"
#include "tools/cli/byte_size.h"
#include "tools/cli/scratch_dir.h"

namespace rawkv::quickstart {

Result<std::unique_ptr<WorkDir>> WorkDir::Make() {
  RAWKV_ASSIGN_OR_RETURN(std::string path, ctl::MakeScratchDir("rawkv-quickstart"));
  return std::unique_ptr<WorkDir>(new WorkDir(std::move(path)));
}

WorkDir::~WorkDir() {
  if (keep_) return;
  const Status status = RemoveTree(PosixFs(), path_);
  if (!status.ok()) StderrLogger().Log(LogLevel::kWarning, "left behind: " + path_ + ": " + status.message());
}

Status WorkDir::RequireRoom(uint64_t bytes) const {
  RAWKV_ASSIGN_OR_RETURN(const FsSpace space, PosixFs().Space(path_));
  if (space.free_bytes >= bytes) return Status::Ok();
  const std::string parent = std::filesystem::path(path_).parent_path().string();
  return Status::NoSpace("this history may need " + ctl::HumanBytes(bytes) + "; " + parent +
                         " is on a filesystem with " + ctl::HumanBytes(space.free_bytes) +
                         " free. Name another place in TMPDIR, or take fewer commits (--commits)");
}

}  // namespace rawkv::quickstart
