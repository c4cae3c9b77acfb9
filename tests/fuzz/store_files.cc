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
  RAWKV_CHECK(EncodeStoreRecord(*record) == file, "equal content must have one encoding");
  MemoryFs fs;
  RAWKV_CHECK(SaveStoreRecord(fs, "/S", *record).ok(), "a record that was read must be writable");
  RAWKV_CHECK(fs.Content("/S/STORE") == file, "writing must give the same bytes");
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
  RAWKV_CHECK(EncodeRollbackMarker(*marker) == file, "equal content must have one encoding");
  RAWKV_CHECK(marker->base <= marker->target && marker->target <= marker->from,
              "the versions must be in order");
  return Verdict::kAccepted;
}

// Checks BASE with its own store's UUID and with another one.
Verdict CheckWorkingBaseFile(std::string_view file) {
  ByteReader in(file.substr(std::min<size_t>(file.size(), kSealedHeaderBytes)));
  const Version base(in.U64());
  const Uuid store = in.Id();
  Uuid other = store;
  other.bytes[0] ^= std::byte{1};
  const Status foreign = CheckWorkingBase(file, other);
  RAWKV_CHECK(!foreign.ok(), "the BASE of another store must be refused");
  CheckRefusal(foreign);
  const Status own = CheckWorkingBase(file, store);
  if (!own.ok()) {
    CheckRefusal(own);
    return Verdict::kRefused;
  }
  RAWKV_CHECK(EncodeWorkingBase(base, store) == file, "equal content must have one encoding");
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
