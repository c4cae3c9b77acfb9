#include "engine/index/meta_record.h"

#include <algorithm>

#include "base/byte_codec.h"

// docs/formats/index.md.
namespace rawkv {
namespace {

constexpr uint8_t kFormat = 1;
constexpr uint8_t kHasDigest = 0x01;
constexpr uint8_t kHasDigestState = 0x02;

Status Bad(const char* what) {
  return Status::Corruption(std::string("meta record: ") + what);
}

}  // namespace

std::string EncodeMetaRecord(const MetaRecord& meta) {
  ByteWriter out;
  out.U8(kFormat);
  out.U8(static_cast<uint8_t>((meta.digest ? kHasDigest : 0) |
                              (meta.digest_state.empty() ? 0 : kHasDigestState)));
  out.U64(meta.applied.value());
  out.U64(meta.lineage.value());
  out.U64(meta.commit_time_unix_ms);
  out.U64(meta.live_extents);
  out.U64(meta.live_slots);
  out.U64(meta.taken_slots);
  out.U64(meta.cursor.value());
  if (meta.digest) out.Raw(AsStringView(*meta.digest));
  if (!meta.digest_state.empty()) out.Blob(meta.digest_state);
  out.Raw(meta.user_metadata);
  return out.Take();
}

Result<MetaRecord> DecodeMetaRecord(ConstBytes bytes) {
  ByteReader in(bytes);
  const uint8_t format = in.U8();
  if (!in.ok() || format == 0) return Bad("no format number");
  if (format > kFormat) {
    return Status::NotSupported("meta record of format " + std::to_string(format) + "; this rawkv knows " +
                                std::to_string(kFormat));
  }
  const uint8_t flags = in.U8();
  if (flags & ~(kHasDigest | kHasDigestState)) return Bad("unknown flags");
  MetaRecord meta;
  meta.applied = Version(in.U64());
  meta.lineage = Lineage(in.U64());
  meta.commit_time_unix_ms = in.U64();
  meta.live_extents = in.U64();
  meta.live_slots = in.U64();
  meta.taken_slots = in.U64();
  meta.cursor = SlotId(in.U64());
  if (flags & kHasDigest) {
    Sha256Digest digest{};
    const ConstBytes raw = AsBytes(in.Raw(digest.size()));
    std::copy(raw.begin(), raw.end(), digest.begin());
    meta.digest = digest;
  }
  if (flags & kHasDigestState) {
    meta.digest_state = in.Blob();
    // Without a state the flag is absent, so that one record has one encoding.
    if (in.ok() && meta.digest_state.empty()) return Bad("empty digest state");
  }
  meta.user_metadata = in.Raw(in.remaining());
  if (!in.AtEnd()) return Bad("too short");
  if (meta.applied > kMaxVersion) return Bad("version out of range");
  return meta;
}

}  // namespace rawkv
