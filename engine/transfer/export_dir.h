#pragma once

#include <memory>
#include <string>

#include "base/fs.h"
#include "base/result.h"

namespace rawkv {

inline constexpr std::string_view kExportManifestName = "MANIFEST";
inline constexpr std::string_view kExportOriginName = "ORIGIN";

// The directory that an export is written to, from its claim until its manifest is in place. The file
// EXPORTING marks it as unfinished, durably and before anything else is written, and is locked: one export
// at a time writes to it, and the same command begins an interrupted one again. An export is finished if
// and only if it has its manifest.
class ExportDir {
 public:
  // Takes `dir` (resolved): absent, empty, with nothing but lost+found in it, or left by an unfinished
  // export, whose files are removed. kFailedPrecondition: something else is there, or the directory above is
  // missing. kBusy: another export is writing there.
  static Result<std::unique_ptr<ExportDir>> Claim(Fs& fs, const std::string& dir);

  const std::string& path() const { return dir_; }
  // The manifest is durable: takes the mark away. That may fail, as the mark means nothing now.
  void Finish();
  // Takes away what was written; the directory stays, so that looking for an export there says that there is
  // none. What cannot be removed stays marked.
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
