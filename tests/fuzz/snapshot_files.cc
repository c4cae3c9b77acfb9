#include <algorithm>
#include <string>

#include "base/byte_codec.h"
#include "base/sealed_file.h"
#include "snapshot/leases.h"
#include "snapshot/manifest.h"
#include "snapshot/pins.h"
#include "tests/fuzz/memory_fs.h"
#include "tests/fuzz/reseal.h"
#include "tests/fuzz/targets.h"

namespace rawkv::fuzz {
namespace {

// A reader ignores unknown fields, so that different bytes may have equal content.
Verdict CheckSnapshotManifest(std::string_view file) {
  const Result<Manifest> manifest = DecodeManifest(file);
  if (!manifest.ok()) {
    CheckRefusal(manifest.status());
    return Verdict::kRefused;
  }
  const Result<Manifest> again = DecodeManifest(EncodeManifest(*manifest));
  RAWKV_CHECK(again.ok() && *again == *manifest, "decoding must invert encoding");
  for (const ManifestFile& row : manifest->files) {
    const std::string path = "/" + row.path + "/";
    RAWKV_CHECK(path.find("/../") == std::string::npos && path.find("//") == std::string::npos,
                "a path must not lead out of the snapshot");
  }
  return Verdict::kAccepted;
}

Verdict CheckPins(std::string_view file) {
  MemoryFs fs;
  fs.Put("/S/PINS", file);
  const Result<PinTable> pins = LoadPins(fs, "/S");
  if (!pins.ok()) {
    CheckRefusal(pins.status());
    return Verdict::kRefused;
  }
  for (const auto& pin : *pins) RAWKV_CHECK(ValidatePinName(pin.first).ok(), "a name must be valid for Pin");
  RAWKV_CHECK(SavePins(fs, "/S", *pins).ok(), "pins that were read must be writable");
  RAWKV_CHECK(fs.Content("/S/PINS") == file, "equal content must have one encoding");
  return Verdict::kAccepted;
}

// Puts a held lease into the directory that its content names, and into another one.
Verdict CheckLease(std::string_view file) {
  ByteReader in(file.substr(std::min<size_t>(file.size(), kSealedHeaderBytes)));
  in.U32();  // flags
  const Uuid id = in.Id();
  const Version version(in.U64());
  const Version base(in.U64());
  MemoryFs fs;
  fs.Put("/S/views/" + id.ToString() + "/LEASE", file);
  const Result<std::vector<LeaseInfo>> leases = ListHeldLeases(fs, "/S");
  if (!leases.ok()) {
    CheckRefusal(leases.status());
    return Verdict::kRefused;
  }
  RAWKV_CHECK(leases->size() == 1, "a held lease must be listed");
  const LeaseInfo& lease = leases->front();
  RAWKV_CHECK(lease.version == version && lease.base == base && base <= version,
              "the lease must hold the written versions");
  Uuid other = id;
  other.bytes[15] ^= std::byte{1};
  MemoryFs elsewhere;
  elsewhere.Put("/S/views/" + other.ToString() + "/LEASE", file);
  RAWKV_CHECK(!ListHeldLeases(elsewhere, "/S").ok(), "a lease in another directory must be refused");
  return Verdict::kAccepted;
}

}  // namespace

Verdict FuzzSnapshotManifest(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckSnapshotManifest);
}

Verdict FuzzPins(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckPins);
}

Verdict FuzzLease(ConstBytes input) {
  return RawAndResealed(input, ResealFile, CheckLease);
}

}  // namespace rawkv::fuzz
