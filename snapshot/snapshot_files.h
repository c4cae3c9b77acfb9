#pragma once

#include <string>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "snapshot/manifest.h"

// Compares a snapshot directory with the list of its files. Reads no content, and follows no symlink below
// `snapshot_dir`. Errors are those of the filesystem only; the result describes faults of the directory.
namespace rawkv {

struct FileProblem {
  std::string path;     // as listed
  std::string message;  // "index/000012.sst is missing"
};

// The listed files that are missing, have another size or are not regular files, in the order of the list.
Result<std::vector<FileProblem>> CheckListedFiles(Fs& fs, const std::string& snapshot_dir,
                                                  const std::vector<ManifestFile>& files);

// Paths, relative to `snapshot_dir`, of entries that are not listed. For a directory without a listed file,
// the result names only the directory. Ignores the snapshot's own MANIFEST.
Result<std::vector<std::string>> FindUnlistedEntries(Fs& fs, const std::string& snapshot_dir,
                                                     const std::vector<ManifestFile>& files);

}  // namespace rawkv
