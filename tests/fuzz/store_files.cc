#include <algorithm>
#include <string>

#include "base/byte_codec.h"
#include "base/sealed_file.h"
#include "engine/live/writer_status.h"
#include "engine/recovery/rollback_marker.h"
#include "engine/store/store_file.h"
#include "engine/store/working_index.h"
#include "tests/fuzz/fuzz_disk.h"
#include "tests/fuzz/reseal.h"
#include "tests/fuzz/targets.h"

namespace rawkv::fuzz {
namespace {

Verdict CheckStoreFile(std::string_view file) {
  return CheckDecoded(DecodeStoreRecord(file), [&](const StoreRecord& record) {
    const bool first_format = record.sequence == 0;
    if (first_format) {  // it is written in format 2, once the rest is known
      StoreRecord now = record;
      now.sequence = 1;
      now.layout = {.slot_bytes = record.slot_bytes, .header_bytes = record.header_bytes};
      RAWKV_CHECK(EncodeStoreRecord(now).size() == file.size() + 64, "format 2 adds eight fields");
    } else {
      RAWKV_CHECK(EncodeStoreRecord(record) == file, "equal content must have one encoding");
      FuzzDisk disk;
      disk.Put("/S/STORE", "an older one");
      RAWKV_CHECK(SaveStoreRecord(disk.fs(), "/S", record).ok(), "a record that was read must be writable");
      for (const char* path : {"/S/STORE", "/S/STORE-COPY"}) {
        RAWKV_CHECK(disk.Content(path) == file, "writing must give the same bytes");
      }
      RAWKV_CHECK(InspectStoreFiles(disk.fs(), "/S").agree(), "what was written must be read");
    }
    const Lineage now = record.chain.current();
    RAWKV_CHECK(record.chain.HasBranch(now), "the present branch is on its chain");
    RAWKV_CHECK(record.chain.Contains(now, Next(record.chain.links().back().fork)),
                "and holds its next version");
  });
}

Verdict CheckRollbackMarker(std::string_view file) {
  return CheckDecoded(DecodeRollbackMarker(file), [&](const RollbackMarker& marker) {
    RAWKV_CHECK(EncodeRollbackMarker(marker) == file, "equal content must have one encoding");
    RAWKV_CHECK(marker.base <= marker.target && marker.target <= marker.from,
                "the versions must be in order");
  });
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

// Checks STATUS with its own store's UUID and with another one.
Verdict CheckWriterStatusFile(std::string_view file) {
  ByteReader in(file.substr(std::min<size_t>(file.size(), kSealedHeaderBytes)));
  const Uuid store = in.Id();
  const bool by_this_version = in.U32() == 3;  // the flags; older versions write fewer fields
  Uuid other = store;
  other.bytes[0] ^= std::byte{1};
  const Status foreign = DecodeWriterStatus(file, other).status();
  RAWKV_CHECK(!foreign.ok(), "the STATUS of another store must be refused");
  CheckRefusal(foreign);
  return CheckDecoded(DecodeWriterStatus(file, store), [&](const WriterInfo& writer) {
    RAWKV_CHECK(writer.status.has_value(), "a decoded STATUS must have a status");
    if (!by_this_version) return;
    RAWKV_CHECK(EncodeWriterStatus(writer, store) == file, "equal content must have one encoding");
    FuzzDisk disk;
    disk.Put("/S/STATUS.new", "the half-made file of a killed process, which is longer than the new one");
    RAWKV_CHECK(SaveWriterStatus(disk.fs(), "/S/STATUS", writer, store).ok(), "it must be writable");
    RAWKV_CHECK(disk.Content("/S/STATUS") == file, "writing must give the same bytes");
    RAWKV_CHECK(LoadStatusOf(disk.fs(), "/S/STATUS", writer, store) == writer.status,
                "its own writer's status must be found");
  });
}

}  // namespace

Verdict FuzzStoreFile(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckStoreFile);
}

Verdict FuzzRollbackMarker(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckRollbackMarker);
}

Verdict FuzzWriterStatus(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckWriterStatusFile);
}

Verdict FuzzWorkingBase(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckWorkingBaseFile);
}

}  // namespace rawkv::fuzz
