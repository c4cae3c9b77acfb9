#include "engine/recovery/rollback_marker.h"

#include "base/byte_codec.h"
#include "base/fs_ops.h"
#include "base/sealed_file.h"

namespace rawkv {
namespace {

constexpr SealedKind kMarkerKind{
    .magic = "RKVROLLB", .format = 1, .name = "ROLLBACK", .max_payload_bytes = 4096};

}  // namespace

std::string EncodeRollbackMarker(const RollbackMarker& m) {
  ByteWriter w;
  w.U64(m.from.value());
  w.U64(m.target.value());
  w.U64(m.base.value());
  w.U64(m.new_lineage.value());
  return Seal(kMarkerKind, w.str());
}

Result<RollbackMarker> DecodeRollbackMarker(std::string_view file) {
  RAWKV_ASSIGN_OR_RETURN(const std::string payload, Unseal(kMarkerKind, file));
  ByteReader r(payload);
  RollbackMarker m;
  m.from = Version(r.U64());
  m.target = Version(r.U64());
  m.base = Version(r.U64());
  m.new_lineage = Lineage(r.U64());
  if (!r.AtEnd() || m.base > m.target || m.target > m.from || m.from > kMaxVersion ||
      m.new_lineage == Lineage()) {
    return Status::Corruption("ROLLBACK: a field is out of range");
  }
  return m;
}

Status SaveRollbackMarker(Fs& fs, const std::string& path, const RollbackMarker& marker) {
  return WriteFileAtomic(fs, path, AsBytes(EncodeRollbackMarker(marker)));
}

Result<RollbackMarker> LoadRollbackMarker(Fs& fs, const std::string& path) {
  RAWKV_ASSIGN_OR_RETURN(const std::string file, ReadFile(fs, path, 2 * 4096));
  Result<RollbackMarker> marker = DecodeRollbackMarker(file);
  if (!marker.ok()) return marker.status().WithContext(path);
  return marker;
}

}  // namespace rawkv
