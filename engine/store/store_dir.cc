#include "engine/store/store_dir.h"

#include "base/fs_ops.h"
#include "base/resolve_path.h"

namespace rawkv {

Result<std::string> ResolveStoreDir(Fs& fs, const std::string& dir) {
  if (dir.empty()) return Status::InvalidArgument("the store's directory has no name");
  return ResolvePath(fs, dir);
}

std::string DeviceHintOf(Fs& fs, const std::string& store_dir, const std::string& device_path) {
  if (ResolvePath(fs, ParentPath(device_path)) != store_dir) return device_path;
  return device_path.substr(device_path.rfind('/') + 1);
}

}  // namespace rawkv
