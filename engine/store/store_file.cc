#include "engine/store/store_file.h"

#include "base/byte_codec.h"
#include "base/fs_ops.h"
#include "base/sealed_file.h"
#include "engine/store/store_paths.h"

namespace rawkv {
namespace {

constexpr SealedKind kStoreKind{.magic = "RKVSTORE", .format = kStoreFormat, .name = "STORE"};
constexpr uint32_t kMaxLinksRead = 1u << 20;
constexpr uint32_t kFlagDigest = 1;
constexpr uint32_t kFlagCut = 2;

std::string EncodePayload(const StoreRecord& r) {
  ByteWriter w;
  w.Id(r.store_uuid);
  w.Id(r.device_uuid);
  w.U64(r.open_generation);
  w.U64(r.initial_version.value());
  w.U64(r.slot_bytes);
  w.U64(r.header_bytes);
  w.U64(r.inline_bytes);
  w.U64(r.runtime.snapshot_interval);
  w.U64(r.runtime.keep_recent);
  w.U64(r.runtime.wal_segment_bytes);
  w.U32(static_cast<uint32_t>(r.runtime.durability));
  w.U32((r.digest ? kFlagDigest : 0) | (r.last_cut ? kFlagCut : 0));
  const TailCut cut = r.last_cut.value_or(TailCut{});
  w.U64(cut.cut_after.value());
  w.U64(cut.bytes);
  w.U64(cut.unix_ms);
  w.Blob(r.device_hint);
  w.U32(static_cast<uint32_t>(r.chain.links().size()));
  for (const LineageLink& link : r.chain.links()) {
    w.U64(link.id.value());
    w.U64(link.parent.value());
    w.U64(link.fork.value());
  }
  return w.Take();
}

Result<LineageChain> DecodeChain(ByteReader& r) {
  const uint32_t count = r.U32();
  if (!r.ok() || count == 0 || count > kMaxLinksRead || r.remaining() != uint64_t{count} * 24) {
    return Status::Corruption("STORE: the lineage chain does not fit its length");
  }
  std::vector<LineageLink> links;
  links.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    const Lineage id(r.U64());
    const Lineage parent(r.U64());
    links.push_back({id, parent, Version(r.U64())});
    const Lineage expected = i == 0 ? Lineage() : links[i - 1].id;
    if (id == Lineage() || parent != expected || links.back().fork > kMaxVersion) {
      return Status::Corruption("STORE: the lineage chain is broken at link " + std::to_string(i));
    }
  }
  return LineageChain(std::move(links));
}

}  // namespace

std::string EncodeStoreRecord(const StoreRecord& record) {
  return Seal(kStoreKind, EncodePayload(record));
}

Result<StoreRecord> DecodeStoreRecord(std::string_view file) {
  RAWKV_ASSIGN_OR_RETURN(const std::string payload, Unseal(kStoreKind, file));
  ByteReader r(payload);
  StoreRecord out;
  out.store_uuid = r.Id();
  out.device_uuid = r.Id();
  out.open_generation = r.U64();
  out.initial_version = Version(r.U64());
  out.slot_bytes = r.U64();
  out.header_bytes = r.U64();
  out.inline_bytes = r.U64();
  out.runtime.snapshot_interval = r.U64();
  out.runtime.keep_recent = r.U64();
  out.runtime.wal_segment_bytes = r.U64();
  const uint32_t durability = r.U32();
  const uint32_t flags = r.U32();
  TailCut cut;
  cut.cut_after = Version(r.U64());
  cut.bytes = r.U64();
  cut.unix_ms = r.U64();
  out.device_hint = std::string(r.Blob());
  if (!r.ok() || out.initial_version > kMaxVersion || durability > 1 ||
      (flags & ~(kFlagDigest | kFlagCut)) != 0) {
    return Status::Corruption("STORE: a field is out of range");
  }
  out.runtime.durability = static_cast<Durability>(durability);
  out.digest = (flags & kFlagDigest) != 0;
  if ((flags & kFlagCut) != 0) {
    out.last_cut = cut;
  } else if (cut.cut_after != Version() || cut.bytes != 0 || cut.unix_ms != 0) {
    return Status::Corruption("STORE: its flags name no cut, but it has one");
  }
  RAWKV_ASSIGN_OR_RETURN(out.chain, DecodeChain(r));
  return out;
}

Result<StoreRecord> LoadStoreRecord(Fs& fs, const std::string& store_dir) {
  const StorePaths paths(store_dir);
  const Result<FileStat> dir = fs.Stat(store_dir);
  if (dir.ok() && dir->kind != FileKind::kDirectory) {
    return Status::NotFound(store_dir + ": no store here (it is not a directory)");
  }
  RAWKV_ASSIGN_OR_RETURN(const bool there, Exists(fs, paths.store()));
  if (!there) {
    RAWKV_ASSIGN_OR_RETURN(const bool importing, Exists(fs, paths.importing()));
    if (importing) {
      return Status::NotFound(
          store_dir + " holds an import that was not finished, not a store; import again, or remove it");
    }
    RAWKV_ASSIGN_OR_RETURN(const bool formatting, Exists(fs, paths.formatting()));
    if (formatting) {
      return Status::NotFound(
          store_dir + " holds a format that was not finished, not a store; format again, or remove it");
    }
    return Status::NotFound(store_dir + ": no store here (STORE is missing); `rawkv-ctl format` makes one");
  }
  const Result<std::string> file =
      ReadFile(fs, paths.store(), kStoreKind.max_payload_bytes + kSealedHeaderBytes);
  if (!file.ok()) return file.status();
  Result<StoreRecord> record = DecodeStoreRecord(*file);
  if (!record.ok()) return record.status().WithContext(paths.store());
  return record;
}

Status SaveStoreRecord(Fs& fs, const std::string& store_dir, const StoreRecord& record) {
  return WriteSealedFile(fs, StorePaths(store_dir).store(), kStoreKind, EncodePayload(record));
}

}  // namespace rawkv
