#pragma once

#include <memory>
#include <string>

#include "base/fs.h"
#include "base/result.h"

namespace rawkv {

inline constexpr std::string_view kExportManifestName = "MANIFEST";
inline constexpr std::string_view kExportOriginName = "ORIGIN";

// The directory to which an export is written, from its claim until its MANIFEST is in place. The claim makes
// the mark EXPORTING durable before anything else is written, and locks it, so that one export at a time
// writes to the directory. The same command begins an interrupted export again. An export is finished if and
// only if it has its MANIFEST. Not thread-safe.
class ExportDir {
 public:
  // Claims `dir` (a resolved path). It may be absent, be empty (lost+found is allowed), or hold an unfinished
  // export, whose files are removed. kFailedPrecondition: the directory holds something else, or its parent
  // is missing. kBusy: another export writes there.
  static Result<std::unique_ptr<ExportDir>> Claim(Fs& fs, const std::string& dir);

  const std::string& path() const { return dir_; }
  // Removes the mark, once the MANIFEST is durable. An error does not matter, as the mark means nothing then.
  void Finish();
  // Removes what was written. The directory stays, so that an import from it reports that it holds no export.
  // Files that cannot be removed stay marked.
  Status Abandon();

 private:
  ExportDir(Fs& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}

  std::string MarkPath() const;
  Status MakeDir();
  Status CheckClaimable(const std::vector<std::string>& names) const;
  Status BeginExport();
  Status RemoveOwnFiles();

  Fs& fs_;
  const std::string dir_;
  bool made_dir_ = false;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace rawkv
