#include "tests/fuzz/targets.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "tests/fuzz/heap_meter.h"

namespace rawkv::fuzz {
namespace {

constexpr auto kTargets = std::to_array<Target>({
    // The window of a reader and the search for the end of the log take 256 KiB each.
    {.name = "wal_segment", .run = FuzzWalSegment, .input_bytes_max = 16 << 10, .heap_bytes_base = 640 << 10},
    // An operation of four bytes takes 184 bytes in memory, and the target encodes all operations again.
    {.name = "change_set", .run = FuzzChangeSet, .heap_factor = 36},
    {.name = "superblock", .run = FuzzSuperblock},
    {.name = "extent_header", .run = FuzzExtentHeader},
    {.name = "checkpoint_header", .run = FuzzCheckpointHeader},
    {.name = "checkpoint_content", .run = FuzzCheckpointContent},
    {.name = "nvme_identify", .run = FuzzNvmeIdentify, .input_bytes_max = 1 + 4096},
    {.name = "sealed_file", .run = FuzzSealedFile, .input_bytes_max = 1024},
    {.name = "store_file", .run = FuzzStoreFile},
    {.name = "rollback_marker", .run = FuzzRollbackMarker, .input_bytes_max = 256},
    {.name = "working_base", .run = FuzzWorkingBase, .input_bytes_max = 256},
    {.name = "writer_status", .run = FuzzWriterStatus, .input_bytes_max = 1024},
    {.name = "control_request", .run = FuzzControlRequest, .input_bytes_max = 1024},
    {.name = "control_reply", .run = FuzzControlReply, .input_bytes_max = 1024},
    {.name = "cache_request", .run = FuzzCacheRequest, .input_bytes_max = 1024},
    {.name = "cache_reply", .run = FuzzCacheReply, .input_bytes_max = 1024},
    // A parsed document takes far more memory than its text, and the table of keys is made once.
    {.name = "cache_options", .run = FuzzCacheOptions, .input_bytes_max = 1024, .heap_bytes_base = 256 << 10},
    {.name = "snapshot_manifest", .run = FuzzSnapshotManifest},
    {.name = "pins", .run = FuzzPins},
    {.name = "lease", .run = FuzzLease, .input_bytes_max = 256},
    {.name = "export_manifest", .run = FuzzExportManifest},
    {.name = "export_origin", .run = FuzzExportOrigin, .input_bytes_max = 256},
    {.name = "export_progress", .run = FuzzExportProgress, .input_bytes_max = 1024},
    // ChunkWriter reserves at least 128 KiB for a chunk.
    {.name = "export_chunk",
     .run = FuzzExportChunk,
     .input_bytes_max = 16 << 10,
     .heap_bytes_base = 192 << 10},
    {.name = "index_entry", .run = FuzzIndexEntry},
    {.name = "meta_record", .run = FuzzMetaRecord},
    {.name = "allocation_page", .run = FuzzAllocationPage, .input_bytes_max = 2048},
    {.name = "undo_record", .run = FuzzUndoRecord},
    {.name = "deferred_record", .run = FuzzDeferredRecord, .input_bytes_max = 256},
    {.name = "change_line", .run = FuzzChangeLine},
    // gflags::FlagSaver copies every flag of the program.
    {.name = "command_line", .run = FuzzCommandLine, .heap_bytes_base = 128 << 10},
    {.name = "text", .run = FuzzText, .input_bytes_max = 512},
    // An operation of 16 bytes takes 40 in memory, in a vector that grows by doubling, and is packed again.
    {.name = "batch_operations", .run = FuzzBatchOperations},
    // The table of all keys is made for each call.
    {.name = "option_text", .run = FuzzOptionText, .input_bytes_max = 512},
});

}  // namespace

std::span<const Target> Targets() {
  return kTargets;
}

const Target* FindTarget(std::string_view name) {
  const auto found = std::find_if(kTargets.begin(), kTargets.end(),
                                  [name](const Target& target) { return target.name == name; });
  return found == kTargets.end() ? nullptr : &*found;
}

Verdict RunTarget(const Target& target, ConstBytes input) {
  StartHeapMeter();
  const Verdict verdict = target.run(input);
  const uint64_t peak = HeapPeakBytes();
  const uint64_t allowed = target.heap_bytes_base + target.heap_factor * input.size();
  if (peak > allowed) {
    std::fprintf(stderr, "%s: %zu bytes of input took %zu bytes of heap, allowed are %zu\n",
                 std::string(target.name).c_str(), input.size(), static_cast<size_t>(peak),
                 static_cast<size_t>(allowed));
  }
  RAWKV_CHECK(peak <= allowed, "the use of memory must be bounded for any input");
  return verdict;
}

void CheckRefusal(const Status& status) {
  RAWKV_CHECK(status.code() == StatusCode::kCorruption || status.code() == StatusCode::kNotSupported,
              "the status must be kCorruption or kNotSupported");
  RAWKV_CHECK(!status.message().empty(), "a refusal must have a message");
}

}  // namespace rawkv::fuzz
