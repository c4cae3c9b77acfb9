#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "snapshot/export_format.h"

namespace rawkv {

inline constexpr std::string_view kExportManifestName = "MANIFEST";
inline constexpr std::string_view kExportOriginName = "ORIGIN";

// Makes a file with this content, durably but for its name. kFailedPrecondition: it exists.
Status WriteNewFile(Fs& fs, const std::string& path, std::string_view content);

struct LoadedManifest {
  std::string file;  // as stored
  ExportManifest manifest;
};
// The manifest of a finished export in the directory `in`. kFailedPrecondition: there is none. kCorruption.
// kNotSupported: an increment.
Result<LoadedManifest> LoadExportManifest(Fs& fs, const std::string& in);

// The directory to which an export is written, from its claim until its MANIFEST is in place. The claim makes
// the mark EXPORTING durable before anything else is written, and locks it, so that one export at a time
// writes to the directory. EXPORTING names what is written, and has a row for each finished chunk, so that
// the same command resumes an interrupted export. An export is finished if and only if it has its MANIFEST.
// Not thread-safe.
class ExportDir {
 public:
  // Claims `dir` (a resolved path). It may be absent, be empty (lost+found is allowed), or hold an unfinished
  // export. Of that, `kept()` stays if it is of the same content; the other files are removed.
  // kFailedPrecondition: the directory holds something else, or its parent is missing. kBusy: another export
  // writes there.
  static Result<std::unique_ptr<ExportDir>> Claim(Fs& fs, const std::string& dir,
                                                  const ExportIdentity& identity);

  const std::string& path() const { return dir_; }
  // A finished chunk of the interrupted export, which was read and verified.
  struct Kept {
    ExportChunk chunk;
    ChunkWriter::LastFragment last;
    uint64_t keys = 0;         // values that begin in the chunk
    uint64_t value_bytes = 0;  // of these values
  };
  const std::vector<Kept>& kept() const { return kept_; }
  // Writes a chunk durably, and then its row.
  Status WriteChunk(const ExportChunk& chunk, std::string_view file);
  // Removes the mark, once the MANIFEST is durable. An error does not matter, as the mark means nothing then.
  void Finish();
  // Removes what was written. The directory stays, so that an import from it reports that it holds no export.
  // Files that cannot be removed stay marked.
  Status Abandon();

 private:
  ExportDir(Fs& fs, std::string dir, const ExportIdentity& identity)
      : fs_(fs), dir_(std::move(dir)), identity_(identity) {}

  std::string MarkPath() const;
  Status MakeDir();
  Status CheckClaimable(const std::vector<std::string>& names) const;
  Status BeginExport();
  // Fills kept_ from EXPORTING and the chunks.
  Status FindKept();
  // Makes EXPORTING name the kept chunks.
  Status BeginProgress();
  // Removes all files but the mark and the kept chunks.
  Status RemoveOwnFiles();

  Fs& fs_;
  const std::string dir_;
  const ExportIdentity identity_;
  std::vector<Kept> kept_;
  std::unique_ptr<File> progress_;  // EXPORTING
  uint64_t progress_bytes_ = 0;
  bool made_dir_ = false;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace rawkv
