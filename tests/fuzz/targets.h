#pragma once

#include "base/sealed_file.h"
#include "tests/fuzz/target.h"

// The functions behind Targets(), each in the file of its family.
namespace rawkv::fuzz {

// sealed_file.cc
inline constexpr SealedKind kFuzzedKind{
    .magic = "RKVFUZZT", .format = 2, .name = "fuzzed file", .max_payload_bytes = 512};
Verdict FuzzSealedFile(ConstBytes input);

// log.cc
Verdict FuzzWalSegment(ConstBytes input);
Verdict FuzzChangeSet(ConstBytes input);

// device_blocks.cc
Verdict FuzzSuperblock(ConstBytes input);
Verdict FuzzExtentHeader(ConstBytes input);
Verdict FuzzCheckpointHeader(ConstBytes input);
Verdict FuzzCheckpointContent(ConstBytes input);  // the payload of the only block

// nvme_identify.cc
Verdict FuzzNvmeIdentify(ConstBytes input);  // structure u8 (namespace, controller, descriptors), its bytes

// store_files.cc
Verdict FuzzStoreFile(ConstBytes input);
Verdict FuzzRollbackMarker(ConstBytes input);
Verdict FuzzWorkingBase(ConstBytes input);
Verdict FuzzWriterStatus(ConstBytes input);
Verdict FuzzControlRequest(ConstBytes input);
Verdict FuzzControlReply(ConstBytes input);
Verdict FuzzCacheRequest(ConstBytes input);
Verdict FuzzCacheReply(ConstBytes input);
Verdict FuzzCacheOptions(ConstBytes input);

// snapshot_files.cc
Verdict FuzzSnapshotManifest(ConstBytes input);
Verdict FuzzPins(ConstBytes input);
Verdict FuzzLease(ConstBytes input);

// export_files.cc
Verdict FuzzExportManifest(ConstBytes input);
Verdict FuzzExportOrigin(ConstBytes input);
Verdict FuzzExportProgress(ConstBytes input);
Verdict FuzzExportChunk(ConstBytes input);

// index_records.cc
Verdict FuzzIndexEntry(ConstBytes input);
Verdict FuzzMetaRecord(ConstBytes input);
Verdict FuzzAllocationPage(ConstBytes input);
Verdict FuzzUndoRecord(ConstBytes input);
Verdict FuzzDeferredRecord(ConstBytes input);  // key length u8, key, value

// command_text.cc
Verdict FuzzChangeLine(ConstBytes input);
Verdict FuzzCommandLine(ConstBytes input);  // arguments, each ended or separated by a NUL
Verdict FuzzText(ConstBytes input);         // byte sizes, base64, UUIDs, file names

// c_interface.cc
Verdict FuzzBatchOperations(ConstBytes input);
Verdict FuzzOptionText(ConstBytes input);

}  // namespace rawkv::fuzz
