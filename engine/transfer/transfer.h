#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/export.h"
#include "base/result.h"
#include "engine/api/options.h"
#include "engine/api/results.h"

// Carries a version from one store to another: Engine::Export writes a directory, and ImportStore makes a
// store from it. All functions are thread-safe and throw nothing.
namespace rawkv {

struct ImportOptions {
  std::string in;        // directory that Engine::Export wrote
  FormatOptions format;  // of the new store; ignores initial_version, and uses force for the device only
  ProgressFn progress;
};
// Makes a new store in `dir` with the content of an export. The initial version is the export's. `dir` may be
// absent, be empty (lost+found is allowed), or hold an unfinished import or format. The store appears in one
// step at the end. kInvalidArgument: an option is out of range. kFailedPrecondition: `in` holds no finished
// export, `dir` holds something else, or the device may not be overwritten. kBusy: another process has the
// directory. kCorruption: names the damaged chunk. kNoSpace: the content does not fit. After a failure the
// directory is as before, or is marked as unfinished; the same call begins an interrupted import again.
RAWKV_EXPORT Result<FormatResult> ImportStore(const std::string& dir, const ImportOptions& options);

// One chunk of an export.
struct ExportChunkRow {
  std::string chunk;   // file name
  uint64_t bytes = 0;  // size of the file
  std::string sha256_hex;
  std::string first_key, last_key;
};
// The chunks of an export, from its manifest, in key order. Reads no chunk. kFailedPrecondition: there is no
// finished export. kCorruption: the manifest is damaged. kNotSupported: an increment.
RAWKV_EXPORT Result<std::vector<ExportChunkRow>> ListExport(const std::string& export_dir,
                                                            const Environment& env = {});

}  // namespace rawkv
