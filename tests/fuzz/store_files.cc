#include <algorithm>
#include <string>

#include "base/byte_codec.h"
#include "base/sealed_file.h"
#include "engine/recovery/rollback_marker.h"
#include "engine/store/store_file.h"
#include "engine/store/working_index.h"
#include "tests/fuzz/memory_fs.h"
#include "tests/fuzz/reseal.h"
#include "tests/fuzz/targets.h"

namespace rawkv::fuzz {
namespace {

Verdict CheckStoreFile(std::string_view file) {
  const Result<StoreRecord> record = DecodeStoreRecord(file);
  if (!record.ok()) {
    CheckRefusal(record.status());
    return Verdict::kRefused;
  }
  RAWKV_CHECK(EncodeStoreRecord(*record) == file, "one file a content");
  MemoryFs fs;
  RAWKV_CHECK(SaveStoreRecord(fs, "/S", *record).ok(), "what was read can be written");
  RAWKV_CHECK(fs.Content("/S/STORE") == file, "it is written as it was");
  const LineageChain& chain = record->chain;
  const Lineage now = chain.current();
  RAWKV_CHECK(chain.HasBranch(now), "the present branch is on its chain");
  RAWKV_CHECK(chain.Contains(now, Next(chain.links().back().fork)), "and holds its next version");
  return Verdict::kAccepted;
}

Verdict CheckRollbackMarker(std::string_view file) {
  const Result<RollbackMarker> marker = DecodeRollbackMarker(file);
  if (!marker.ok()) {
    CheckRefusal(marker.status());
    return Verdict::kRefused;
  }
  RAWKV_CHECK(EncodeRollbackMarker(*marker) == file, "one file a content");
  RAWKV_CHECK(marker->base <= marker->target && marker->target <= marker->from, "in order");
  return Verdict::kAccepted;
}

// BASE is judged against a store's UUID: its own, and another.
Verdict CheckWorkingBaseFile(std::string_view file) {
  ByteReader in(file.substr(std::min<size_t>(file.size(), kSealedHeaderBytes)));
  const Version base(in.U64());
  const Uuid store = in.Id();
  Uuid other = store;
  other.bytes[0] ^= std::byte{1};
  const Status foreign = CheckWorkingBase(file, other);
  RAWKV_CHECK(!foreign.ok(), "another store's BASE vouches for nothing");
  CheckRefusal(foreign);
  const Status own = CheckWorkingBase(file, store);
  if (!own.ok()) {
    CheckRefusal(own);
    return Verdict::kRefused;
  }
  RAWKV_CHECK(EncodeWorkingBase(base, store) == file, "one file a content");
  return Verdict::kAccepted;
}

}  // namespace

Verdict FuzzStoreFile(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckStoreFile);
}

Verdict FuzzRollbackMarker(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckRollbackMarker);
}

Verdict FuzzWorkingBase(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckWorkingBaseFile);
}

}  // namespace rawkv::fuzz
