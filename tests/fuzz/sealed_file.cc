#include "base/sealed_file.h"

#include <string>

#include "base/endian.h"
#include "tests/fuzz/fuzz_disk.h"
#include "tests/fuzz/reseal.h"
#include "tests/fuzz/targets.h"

namespace rawkv::fuzz {
namespace {

// The status that docs/formats/sealed-file.md requires for bytes with the right checksum and length.
StatusCode ExpectedCode(std::string_view resealed) {
  if (resealed.substr(0, 8) != kFuzzedKind.magic) return StatusCode::kCorruption;
  const auto format = LoadLe<uint32_t>(resealed.data() + 8);
  if (format > kFuzzedKind.format) return StatusCode::kNotSupported;
  if (format == 0 || resealed.size() - kSealedHeaderBytes > kFuzzedKind.max_payload_bytes) {
    return StatusCode::kCorruption;
  }
  return StatusCode::kOk;
}

Verdict CheckFile(std::string_view file) {
  const Result<std::string> payload = Unseal(kFuzzedKind, file);
  FuzzDisk disk;
  disk.Put("/F", file);
  const Result<std::string> read = ReadSealedFile(disk.fs(), "/F", kFuzzedKind);
  RAWKV_CHECK(read.ok() == payload.ok(), "file and bytes must give the same status");
  if (!payload.ok()) {
    CheckRefusal(payload.status());
    return Verdict::kRefused;
  }
  RAWKV_CHECK(*read == *payload, "file and bytes must give the same payload");
  RAWKV_CHECK(file.substr(kSealedHeaderBytes) == *payload, "the payload must follow the header");
  // Equal format and payload must give equal bytes: no field of the frame is free.
  const bool newest = LoadLe<uint32_t>(file.data() + 8) == kFuzzedKind.format;
  RAWKV_CHECK(!newest || Seal(kFuzzedKind, *payload) == file, "equal content must have one encoding");
  return Verdict::kAccepted;
}

}  // namespace

Verdict FuzzSealedFile(ConstBytes input) {
  const std::string resealed = ResealFile(input);
  RAWKV_CHECK(Unseal(kFuzzedKind, resealed).status().code() == ExpectedCode(resealed),
              "the status must be that of the document");
  return RawAndResealed(input, ResealFile, CheckFile);
}

}  // namespace rawkv::fuzz
