#include "engine/maintenance/scrub_state.h"

#include "base/byte_codec.h"
#include "base/fs_ops.h"
#include "base/limits.h"
#include "base/sealed_file.h"
#include "wal/change_set.h"

namespace rawkv {
namespace {

constexpr SealedKind kScrubKind{
    .magic = "RKVSCRUB", .format = 1, .name = "SCRUB", .max_payload_bytes = 128 * 1024};

}  // namespace

const char* ScrubPhaseName(ScrubPhase phase) {
  switch (phase) {
    case ScrubPhase::kSuperblocks:
      return "superblocks";
    case ScrubPhase::kLog:
      return "log";
    case ScrubPhase::kSnapshots:
      return "snapshots";
    case ScrubPhase::kTip:
      return "tip";
    case ScrubPhase::kOlder:
      return "older";
  }
  return "unknown";
}

std::string EncodeScrubState(const ScrubState& s, const Uuid& store_uuid) {
  ByteWriter w;
  w.Id(store_uuid);
  w.U64(s.pass);
  w.U64(s.started_unix_ms);
  w.U32(static_cast<uint32_t>(s.phase));
  w.U32(0);  // flags
  w.U64(s.version.value());
  w.U64(s.bytes);
  w.U64(s.records);
  w.U64(s.snapshots);
  w.U64(s.payloads);
  w.U64(s.findings);
  w.U64(s.last_complete_unix_ms);
  w.Blob(s.key);
  return Seal(kScrubKind, w.str());
}

Result<ScrubState> DecodeScrubState(std::string_view file, const Uuid& store_uuid) {
  RAWKV_ASSIGN_OR_RETURN(const std::string payload, Unseal(kScrubKind, file));
  ByteReader r(payload);
  const Uuid store = r.Id();
  ScrubState s;
  s.pass = r.U64();
  s.started_unix_ms = r.U64();
  const uint32_t phase = r.U32();
  const uint32_t flags = r.U32();
  s.version = Version(r.U64());
  s.bytes = r.U64();
  s.records = r.U64();
  s.snapshots = r.U64();
  s.payloads = r.U64();
  s.findings = r.U64();
  s.last_complete_unix_ms = r.U64();
  s.key = std::string(r.Blob());
  if (!r.AtEnd() || phase > static_cast<uint32_t>(ScrubPhase::kOlder) || s.pass == 0 ||
      s.key.size() > kMaxKeyBytes) {
    return Status::Corruption("SCRUB: a field is out of range");
  }
  if (flags != 0) return Status::NotSupported("SCRUB: flags " + std::to_string(flags));
  if (store != store_uuid) return Status::Corruption("SCRUB names another store");
  s.phase = static_cast<ScrubPhase>(phase);
  return s;
}

Result<ScrubState> LoadScrubState(Fs& fs, const std::string& path, const Uuid& store_uuid) {
  RAWKV_ASSIGN_OR_RETURN(const std::string file,
                         ReadFile(fs, path, kScrubKind.max_payload_bytes + kSealedHeaderBytes));
  Result<ScrubState> state = DecodeScrubState(file, store_uuid);
  if (!state.ok()) return state.status().WithContext(path);
  return state;
}

Status SaveScrubState(Fs& fs, const std::string& path, const ScrubState& state, const Uuid& store_uuid) {
  return WriteFileAtomic(fs, path, AsBytes(EncodeScrubState(state, store_uuid)));
}

}  // namespace rawkv
