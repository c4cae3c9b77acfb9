#include "engine/store/store_file.h"

#include <array>

#include "base/byte_codec.h"
#include "base/endian.h"
#include "base/fs_ops.h"
#include "base/sealed_file.h"
#include "engine/api/stored_settings.h"
#include "engine/store/store_paths.h"

namespace rawkv {
namespace {

constexpr SealedKind kStoreKind{.magic = "RKVSTORE", .format = kStoreFormat, .name = "STORE"};
constexpr uint32_t kMaxLinksRead = 1u << 20;
constexpr uint32_t kFlagDigest = 1;
constexpr uint32_t kFlagCut = 2;
constexpr uint32_t kFlagClosed = 4;
constexpr uint32_t kFlagUndo = 8;
constexpr uint32_t kFlagSettings = 16;
constexpr uint32_t kFlagGivenUp = 32;
constexpr uint32_t kFlagCheckpoints = 64;
constexpr size_t kFormatAt = 8;  // in a sealed file

// The default is not stored, so that a rawkv without undo records can read the store.
bool HasDefaultUndo(const StoreRecord& r) {
  return r.runtime.undo_versions == RuntimeSettings().undo_versions;
}

uint32_t FlagsOf(const StoreRecord& r) {
  return (r.digest ? kFlagDigest : 0) | (r.last_cut ? kFlagCut : 0) | (r.closed_version ? kFlagClosed : 0) |
         (HasDefaultUndo(r) ? 0 : kFlagUndo) | (HasStoredSettings(r.runtime) ? kFlagSettings : 0) |
         (r.given_up ? kFlagGivenUp : 0) | (r.checkpoints ? kFlagCheckpoints : 0);
}

void EncodeGivenUp(const GivenUp& given_up, ByteWriter* w) {
  w->U64(given_up.first.value());
  w->U64(given_up.last.value());
  w->U64(given_up.versions);
  w->U64(given_up.unix_ms);
  w->U32(static_cast<uint32_t>(given_up.cause));
}

Status DecodeGivenUp(ByteReader* r, std::optional<GivenUp>* out) {
  GivenUp given_up;
  given_up.first = Version(r->U64());
  given_up.last = Version(r->U64());
  given_up.versions = r->U64();
  given_up.unix_ms = r->U64();
  const uint32_t cause = r->U32();
  if (!r->ok() || given_up.first > given_up.last || given_up.last > kMaxVersion || given_up.versions == 0 ||
      cause > 1) {
    return Status::Corruption("STORE: the report of given-up history is out of range");
  }
  given_up.cause = static_cast<GivenUpCause>(cause);
  *out = given_up;
  return Status::Ok();
}

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
  w.U32(FlagsOf(r));
  const TailCut cut = r.last_cut.value_or(TailCut{});
  w.U64(cut.cut_after.value());
  w.U64(cut.bytes);
  w.U64(cut.unix_ms);
  w.U64(r.sequence);
  w.U64(r.closed_version.value_or(Version()).value());
  w.U64(r.layout.metadata_offset);
  w.U64(r.layout.metadata_bytes);
  w.U64(r.layout.slots_offset);
  w.U64(r.layout.slot_count);
  w.U64(r.reuse_floor.value());
  w.U64(r.runtime.keep_for_seconds);
  if (!HasDefaultUndo(r)) w.U64(r.runtime.undo_versions);
  if (HasStoredSettings(r.runtime)) EncodeStoredSettings(r.runtime, &w);
  if (r.given_up) EncodeGivenUp(*r.given_up, &w);
  w.Blob(r.device_hint);
  w.U32(static_cast<uint32_t>(r.chain.links().size()));
  for (const LineageLink& link : r.chain.links()) {
    w.U64(link.id.value());
    w.U64(link.parent.value());
    w.U64(link.fork.value());
  }
  return w.Take();
}

// The fields that format 2 adds.
Status DecodeSecondFormat(ByteReader& r, uint32_t flags, StoreRecord* out) {
  const bool closed = (flags & kFlagClosed) != 0;
  out->sequence = r.U64();
  const Version closed_version(r.U64());
  out->layout = {.slot_bytes = out->slot_bytes,
                 .header_bytes = out->header_bytes,
                 .metadata_offset = r.U64(),
                 .metadata_bytes = r.U64(),
                 .slots_offset = r.U64(),
                 .slot_count = r.U64()};
  out->reuse_floor = Version(r.U64());
  out->runtime.keep_for_seconds = r.U64();
  if (closed) out->closed_version = closed_version;
  if ((flags & kFlagUndo) != 0) {
    out->runtime.undo_versions = r.U64();
    if (HasDefaultUndo(*out)) return Status::Corruption("STORE: a default is stored");
  }
  if ((flags & kFlagSettings) != 0) RAWKV_RETURN_IF_ERROR(DecodeStoredSettings(&r, &out->runtime));
  if ((flags & kFlagGivenUp) != 0) RAWKV_RETURN_IF_ERROR(DecodeGivenUp(&r, &out->given_up));
  const bool versions = closed_version <= kMaxVersion && out->reuse_floor <= kMaxVersion &&
                        (closed || closed_version == Version());
  if (r.ok() && versions && out->sequence != 0 && IsSaneLayout(out->layout)) return Status::Ok();
  return Status::Corruption("STORE: a field is out of range");
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
  const bool first_format = LoadLe<uint32_t>(file.data() + kFormatAt) == 1;
  const uint32_t known_flags =
      kFlagDigest | kFlagCut |
      (first_format ? 0 : kFlagClosed | kFlagUndo | kFlagSettings | kFlagGivenUp | kFlagCheckpoints);
  if (!first_format) RAWKV_RETURN_IF_ERROR(DecodeSecondFormat(r, flags, &out));
  out.device_hint = std::string(r.Blob());
  if (!r.ok() || out.initial_version > kMaxVersion || durability > 1 || (flags & ~known_flags) != 0) {
    return Status::Corruption("STORE: a field is out of range");
  }
  out.runtime.durability = static_cast<Durability>(durability);
  out.digest = (flags & kFlagDigest) != 0;
  out.checkpoints = (flags & kFlagCheckpoints) != 0;
  if ((flags & kFlagCut) != 0) {
    out.last_cut = cut;
  } else if (cut.cut_after != Version() || cut.bytes != 0 || cut.unix_ms != 0) {
    return Status::Corruption("STORE: its flags name no cut, but it has one");
  }
  RAWKV_ASSIGN_OR_RETURN(out.chain, DecodeChain(r));
  return out;
}

namespace {

Result<StoreRecord> ReadRecord(Fs& fs, const std::string& path) {
  RAWKV_ASSIGN_OR_RETURN(const std::string file,
                         ReadFile(fs, path, kStoreKind.max_payload_bytes + kSealedHeaderBytes));
  Result<StoreRecord> record = DecodeStoreRecord(file);
  if (!record.ok()) return record.status().WithContext(path);
  return record;
}

// There is neither STORE nor STORE-COPY.
Status DescribeAbsence(Fs& fs, const StorePaths& paths) {
  RAWKV_ASSIGN_OR_RETURN(const bool importing, Exists(fs, paths.importing()));
  if (importing) {
    return Status::NotFound(
        paths.dir + " holds an import that was not finished, not a store; import again, or remove it");
  }
  RAWKV_ASSIGN_OR_RETURN(const bool formatting, Exists(fs, paths.formatting()));
  if (formatting) {
    return Status::NotFound(paths.dir +
                            " holds a format that was not finished, not a store; format again, or remove it");
  }
  RAWKV_ASSIGN_OR_RETURN(const bool rebuilding, Exists(fs, paths.rebuilding()));
  if (rebuilding) {
    return Status::NotFound(
        paths.dir + " holds a rebuild that was not finished, not a store; rebuild again, or remove it");
  }
  RAWKV_ASSIGN_OR_RETURN(const bool log, Exists(fs, paths.wal()));
  if (log) {
    return Status::NotFound(paths.dir +
                            ": STORE and STORE-COPY are missing, but parts of a store are here; "
                            "`rawkv-ctl fsck --repair` makes both from the device");
  }
  return Status::NotFound(paths.dir + ": no store here (STORE is missing); `rawkv-ctl format` makes one");
}

// The file that counts, as an index of StoreFiles, or why none does.
Result<int> ChooseStoreFile(Fs& fs, const StorePaths& paths, const StoreFiles& files) {
  for (const Status& status : files.status) {
    if (status.refused() || status.code() == StatusCode::kNotSupported) return status;
  }
  if (files.record[0] && files.record[1]) {
    const StoreRecord& store = *files.record[0];
    const StoreRecord& copy = *files.record[1];
    if (store.store_uuid != copy.store_uuid) {
      return Status::FailedPrecondition(
          paths.dir + ": STORE belongs to store " + store.store_uuid.ToString() + ", and STORE-COPY to " +
          copy.store_uuid.ToString() + "; remove the file that does not belong here");
    }
    return copy.sequence > store.sequence ? 1 : 0;
  }
  if (files.record[0]) return 0;
  if (files.record[1]) return 1;
  const bool absent[2] = {files.status[0].code() == StatusCode::kNotFound,
                          files.status[1].code() == StatusCode::kNotFound};
  if (absent[0] && absent[1]) return DescribeAbsence(fs, paths);
  const Status& worse = files.status[absent[0] ? 1 : 0];
  return Status(worse.code(), worse.message() +
                                  "; no other copy of it is whole, `rawkv-ctl fsck --repair` "
                                  "makes both from the device");
}

}  // namespace

bool StoreFiles::agree() const {
  return record[0] && record[1] && EncodeStoreRecord(*record[0]) == EncodeStoreRecord(*record[1]);
}

StoreFiles InspectStoreFiles(Fs& fs, const std::string& store_dir) {
  const StorePaths paths(store_dir);
  StoreFiles out;
  const std::array<std::string, 2> names = {paths.store(), paths.store_copy()};
  for (size_t i = 0; i < names.size(); ++i) {
    Result<StoreRecord> record = ReadRecord(fs, names[i]);
    out.status[i] = record.status();
    if (record.ok()) out.record[i] = *std::move(record);
  }
  return out;
}

Result<StoreRecord> LoadStoreRecord(Fs& fs, const std::string& store_dir, StoreFiles* files) {
  const Result<FileStat> dir = fs.Stat(store_dir);
  if (dir.ok() && dir->kind != FileKind::kDirectory) {
    return Status::NotFound(store_dir + ": no store here (it is not a directory)");
  }
  RAWKV_ASSIGN_OR_RETURN(const bool there, Exists(fs, store_dir));
  if (!there)
    return Status::NotFound(store_dir + ": no store here (it does not exist); `rawkv-ctl format` makes one");
  StoreFiles read = InspectStoreFiles(fs, store_dir);
  if (files != nullptr) *files = read;
  RAWKV_ASSIGN_OR_RETURN(const int chosen, ChooseStoreFile(fs, StorePaths(store_dir), read));
  return *std::move(read.record[chosen]);
}

Status SaveStoreRecord(Fs& fs, const std::string& store_dir, const StoreRecord& record) {
  const StorePaths paths(store_dir);
  const std::string payload = EncodePayload(record);
  if (payload.size() > kStoreKind.max_payload_bytes) {
    return Status::InvalidArgument(paths.store() + ": " + std::to_string(payload.size()) +
                                   " bytes are more than STORE may have");
  }
  return WriteTwoFilesAtomic(fs, paths.store(), paths.store_copy(), AsBytes(Seal(kStoreKind, payload)));
}

}  // namespace rawkv
