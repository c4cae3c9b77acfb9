#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/export.h"
#include "base/result.h"
#include "base/types.h"
#include "engine/api/options.h"

// Sends an export over a network, in numbered chunks. Chunk 0 is the manifest; chunks 1, 2, … are the files
// in key order. They depend only on the content of the version and on ExportOptions::chunk_bytes, so that a
// receiver can take each chunk from another sender. ORIGIN is not sent, because it names the store that made
// the export: the first version of the new store has the time of the import, and no metadata.
//
// All functions are thread-safe, except the destructors, and throw nothing.
namespace rawkv {

// No chunk is larger. A message of CometBFT has at most 16,000,000 bytes, with its envelope.
inline constexpr uint64_t kMaxTransferChunkBytes = 15ull << 20;

// What identifies an export to those that want to receive it.
struct ExportSummary {
  Version version;
  uint64_t chunk_count = 0;        // with the manifest
  uint64_t chunk_bytes_max = 0;    // size of the largest chunk
  uint64_t bytes = 0;              // of all chunks
  std::array<std::byte, 32> hash;  // SHA-256 of chunk 0, which holds the checksums of the others
};

// Reads the chunks of a finished export. Does not notice that somebody replaces the directory.
class RAWKV_EXPORT ExportReader {
 public:
  // kFailedPrecondition: there is no finished export. kCorruption: the manifest is damaged. kNotSupported: an
  // increment, or a chunk (such as the manifest) has more than kMaxTransferChunkBytes; for another chunk size
  // make the export again.
  static Result<std::unique_ptr<ExportReader>> Open(const std::string& export_dir,
                                                    const Environment& env = {});
  virtual ~ExportReader() = default;
  virtual const ExportSummary& summary() const = 0;
  // Reads and verifies a chunk, puts it to the front of `out`, and returns its size. kInvalidArgument: there
  // is no such chunk, or `out` is too small; the message names the size. kCorruption: the file is damaged or
  // missing. The contents of `out` are undefined after an error.
  virtual Result<uint64_t> Read(uint64_t number, Bytes out) = 0;
};

// Collects the chunks of an export in a directory. When all are there, the directory is an export from which
// ImportStore makes a store.
class RAWKV_EXPORT ExportReceiver {
 public:
  // Claims `dir` for the export whose ExportSummary::hash is `hash`. The directory may be absent, be empty
  // (lost+found is allowed), hold an earlier receipt, or hold this export. A receipt of the same export
  // continues: Open verifies the chunks that it finds, and removes damaged ones. Of another export it removes
  // everything. In a finished export it changes nothing, and Missing names damaged chunks.
  // kFailedPrecondition: the directory holds something else. kBusy: another receiver uses it. After another
  // error the directory is as before, or is marked as an unfinished receipt.
  static Result<std::unique_ptr<ExportReceiver>> Open(const std::string& dir,
                                                      const std::array<std::byte, 32>& hash,
                                                      const Environment& env = {});
  virtual ~ExportReceiver() = default;  // what was received stays
  // Verifies a chunk and keeps it durably. Chunk 0 must be the first one, because it holds the checksums of
  // the others; they may come in any order, and more than once. kCorruption: the chunk is wrong; nothing of
  // it is kept, and the message names its number. kFailedPrecondition: chunk 0 is not there yet.
  // kInvalidArgument: the number is too large, or the chunk has more than kMaxTransferChunkBytes.
  // kNotSupported: the export is an increment. After kIoError or kNoSpace the chunk may be kept or not;
  // repeat the call.
  virtual Status Add(uint64_t number, ConstBytes chunk) = 0;
  // Whether the directory is a finished export.
  virtual bool complete() const = 0;
  // The numbers of the chunks that are not there yet, ascending, at most `limit`. Only {0} before chunk 0.
  // Fewer if there is no memory for them.
  virtual std::vector<uint64_t> Missing(uint64_t limit) const = 0;
};

}  // namespace rawkv
