#include <algorithm>
#include <string>

#include "base/byte_codec.h"
#include "base/sealed_file.h"
#include "snapshot/leases.h"
#include "snapshot/manifest.h"
#include "snapshot/pins.h"
#include "tests/fuzz/fuzz_disk.h"
#include "tests/fuzz/reseal.h"
#include "tests/fuzz/targets.h"

namespace rawkv::fuzz {
namespace {

// A reader ignores unknown fields, so that different bytes may have equal content.
Verdict CheckSnapshotManifest(std::string_view file) {
  return CheckDecoded(DecodeManifest(file), [](const Manifest& manifest) {
    const Result<Manifest> again = DecodeManifest(EncodeManifest(manifest));
    RAWKV_CHECK(again.ok() && *again == manifest, "decoding must invert encoding");
    for (const ManifestFile& row : manifest.files) {
      const std::string path = "/" + row.path + "/";
      RAWKV_CHECK(path.find("/../") == std::string::npos && path.find("//") == std::string::npos,
                  "a path must not lead out of the snapshot");
    }
  });
}

Verdict CheckPins(std::string_view file) {
  FuzzDisk disk;
  disk.Put("/S/PINS", file);
  return CheckDecoded(LoadPins(disk.fs(), "/S"), [&](const PinTable& pins) {
    for (const auto& pin : pins) RAWKV_CHECK(ValidatePinName(pin.first).ok(), "a name must be valid for Pin");
    RAWKV_CHECK(SavePins(disk.fs(), "/S", pins).ok(), "pins that were read must be writable");
    RAWKV_CHECK(disk.Content("/S/PINS") == file, "equal content must have one encoding");
  });
}

// Puts a held lease into the directory that its content names, and into another one.
Verdict CheckLease(std::string_view file) {
  ByteReader in(file.substr(std::min<size_t>(file.size(), kSealedHeaderBytes)));
  in.U32();  // flags
  const Uuid id = in.Id();
  const Version version(in.U64());
  const Version base(in.U64());
  const auto list = [&](const Uuid& named) {
    FuzzDisk disk;
    const std::string path = "/S/views/" + named.ToString() + "/LEASE";
    disk.Put(path, file);
    const auto held = disk.fs().Lock(path);
    return ListHeldLeases(disk.fs(), "/S");
  };
  return CheckDecoded(list(id), [&](const std::vector<LeaseInfo>& leases) {
    RAWKV_CHECK(leases.size() == 1, "a held lease must be listed");
    const LeaseInfo& lease = leases.front();
    RAWKV_CHECK(lease.version == version && lease.base == base && base <= version,
                "the lease must hold the written versions");
    Uuid other = id;
    other.bytes[15] ^= std::byte{1};
    RAWKV_CHECK(!list(other).ok(), "a lease in another directory must be refused");
  });
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
