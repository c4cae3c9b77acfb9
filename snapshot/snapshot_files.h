#pragma once

#include <string>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "snapshot/manifest.h"

// A snapshot directory against the list of files that it should hold. No content is read and no
// symlink followed, in any component below `snapshot_dir`. Errors are those of the filesystem only;
// what is wrong with the directory is in the result.
namespace rawkv {

struct FileProblem {
  std::string path;     // as listed
  std::string message;  // "index/000012.sst is missing"
};

// Every listed file that is missing, of another size or no regular file, in the list's order.
Result<std::vector<FileProblem>> ProblemsOfListedFiles(Fs& fs, const std::string& snapshot_dir,
                                                       const std::vector<ManifestFile>& files);

// Paths, relative to `snapshot_dir`, of what is there but not listed; a directory that holds no
// listed file stands for all below it. The snapshot's own MANIFEST is left out.
Result<std::vector<std::string>> UnlistedEntries(Fs& fs, const std::string& snapshot_dir,
                                                 const std::vector<ManifestFile>& files);

}  // namespace rawkv
