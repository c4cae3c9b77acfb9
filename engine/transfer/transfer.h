#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/export.h"
#include "base/result.h"
#include "engine/api/options.h"
#include "engine/api/results.h"

// The way of a state from one store to another: Engine::Export writes a directory, ImportStore makes a store
// of it.
namespace rawkv {

struct ImportOptions {
  std::string in;        // directory written by Engine::Export
  FormatOptions format;  // of the new store; initial_version is the export's
  ProgressFn progress;
};
// Makes a new store with the export's content; its initial version is the export's. Built in `dir`, which is
// as for Engine::Format, and published in one step. After a failure nothing is left; an import that was
// interrupted is begun again by the same call. kFailedPrecondition: a store or something else is there;
// kBusy: another process has the directory; kCorruption names the chunk.
RAWKV_EXPORT Result<FormatResult> ImportStore(const std::string& dir, const ImportOptions& options);

struct ExportChunkRow {
  std::string chunk;
  uint64_t bytes = 0;
  std::string sha256_hex;
  std::string first_key, last_key;
};
// What an export directory's manifest says. kNotFound, kCorruption.
RAWKV_EXPORT Result<std::vector<ExportChunkRow>> ListExport(const std::string& export_dir,
                                                            const Environment& env = {});

}  // namespace rawkv
