#include "engine/live/writer_status.h"

#include <algorithm>
#include <array>

#include "base/byte_codec.h"
#include "base/fs_ops.h"
#include "base/sealed_file.h"

namespace rawkv {
namespace {

constexpr SealedKind kStatusKind{
    .magic = "RKVSTATS", .format = 1, .name = "STATUS", .max_payload_bytes = 64 * 1024};
constexpr size_t kMaxTextBytes = 4096;  // of one text; a message names a few paths at most
constexpr uint32_t kMaxActivities = 16;
// Flags of the last fields, which older versions do not write.
constexpr uint32_t kHasAvailableSlots = 1;
constexpr uint32_t kHasCounters = 2;
constexpr uint32_t kHasCheckpoints = 4;  // only of a store that makes checkpoints

// In the order of their values in the file.
constexpr uint64_t EngineStats::*kCounters[] = {&EngineStats::commits,
                                                &EngineStats::groups,
                                                &EngineStats::user_bytes_written,
                                                &EngineStats::log_bytes_written,
                                                &EngineStats::device_bytes_written,
                                                &EngineStats::device_bytes_read,
                                                &EngineStats::device_flushes,
                                                &EngineStats::gets,
                                                &EngineStats::snapshots_made,
                                                &EngineStats::slots_reclaimed,
                                                &EngineStats::versions_given_up,
                                                &EngineStats::index_flushes,
                                                &EngineStats::views_built,
                                                &EngineStats::views_shared,
                                                &EngineStats::replay_bytes_per_second};

void PutText(ByteWriter& w, std::string_view text) {
  w.Blob(text.substr(0, kMaxTextBytes));
}

// Reads a text of at most kMaxTextBytes; after a longer one nothing more can be read.
std::string TakeText(ByteReader& r) {
  const std::string_view text = r.Blob();
  if (text.size() > kMaxTextBytes) (void)r.Raw(r.remaining() + 1);
  return std::string(text.substr(0, kMaxTextBytes));
}

Result<std::vector<WriterActivity>> DecodeActivities(ByteReader& r) {
  const uint32_t count = r.U32();
  if (!r.ok() || count > kMaxActivities) return Status::Corruption("STATUS: too many activities");
  std::vector<WriterActivity> activities(count);
  for (WriterActivity& activity : activities) {
    activity.what = TakeText(r);
    activity.done = r.U64();
    activity.total = r.U64();
  }
  return activities;
}

}  // namespace

std::string EncodeWriterStatus(const WriterInfo& writer, const Uuid& store_uuid) {
  const WriterStatus& s = *writer.status;
  ByteWriter w;
  w.Id(store_uuid);
  const bool checkpoints =
      s.stats.checkpoints_written + s.stats.checkpoints_failed != 0 || !s.checkpoint_error.empty();
  w.U32(kHasAvailableSlots | kHasCounters | (checkpoints ? kHasCheckpoints : 0));  // flags
  w.U32(static_cast<uint32_t>(s.durability));
  w.U64(static_cast<uint64_t>(writer.pid));
  w.U64(s.unix_ms);
  w.U64(s.opened_unix_ms);
  w.U64(s.version.value());
  w.U64(s.durable_version.value());
  w.U64(s.slots_total);
  w.U64(s.slots_free);
  for (const std::string* text :
       {&writer.host, &s.state, &s.health, &s.engine_requested, &s.engine_used, &s.engine_reason}) {
    PutText(w, *text);
  }
  const size_t count = std::min<size_t>(s.activities.size(), kMaxActivities);
  w.U32(static_cast<uint32_t>(count));
  for (size_t i = 0; i < count; ++i) {
    PutText(w, s.activities[i].what);
    w.U64(s.activities[i].done);
    w.U64(s.activities[i].total);
  }
  w.U64(s.slots_available);
  for (const auto counter : kCounters) w.U64(s.stats.*counter);
  if (checkpoints) {
    w.U64(s.stats.checkpoints_written);
    w.U64(s.stats.checkpoints_failed);
    PutText(w, s.checkpoint_error);
  }
  return Seal(kStatusKind, w.str());
}

Result<WriterInfo> DecodeWriterStatus(std::string_view file, const Uuid& store_uuid) {
  RAWKV_ASSIGN_OR_RETURN(const std::string payload, Unseal(kStatusKind, file));
  ByteReader r(payload);
  const Uuid store = r.Id();
  const uint32_t flags = r.U32();
  const uint32_t durability = r.U32();
  WriterInfo writer;
  WriterStatus s;
  writer.pid = static_cast<int64_t>(r.U64());
  s.unix_ms = r.U64();
  s.opened_unix_ms = r.U64();
  s.version = Version(r.U64());
  s.durable_version = Version(r.U64());
  s.slots_total = r.U64();
  s.slots_free = r.U64();
  for (std::string* text :
       {&writer.host, &s.state, &s.health, &s.engine_requested, &s.engine_used, &s.engine_reason}) {
    *text = TakeText(r);
  }
  RAWKV_ASSIGN_OR_RETURN(s.activities, DecodeActivities(r));
  if (flags & ~(kHasAvailableSlots | kHasCounters | kHasCheckpoints)) {
    return Status::NotSupported("STATUS: flags " + std::to_string(flags));
  }
  s.slots_available = flags & kHasAvailableSlots ? r.U64() : s.slots_free;
  if (flags & kHasCounters) {
    for (const auto counter : kCounters) s.stats.*counter = r.U64();
  }
  if (flags & kHasCheckpoints) {
    s.stats.checkpoints_written = r.U64();
    s.stats.checkpoints_failed = r.U64();
    s.checkpoint_error = TakeText(r);
  }
  if (!r.AtEnd() || durability > 1 || writer.pid <= 0) {
    return Status::Corruption("STATUS: a field is out of range");
  }
  if (store != store_uuid) return Status::Corruption("STATUS names another store");
  s.durability = static_cast<Durability>(durability);
  writer.status = std::move(s);
  return writer;
}

Status SaveWriterStatus(Fs& fs, const std::string& path, const WriterInfo& writer, const Uuid& store_uuid) {
  // Not .tmp, which a sweep of the same process may remove meanwhile.
  const std::string next = path + ".new";
  const std::string bytes = EncodeWriterStatus(writer, store_uuid);
  {
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs.Open(next, OpenMode::kCreate));
    RAWKV_RETURN_IF_ERROR(file->WriteAt(0, AsBytes(bytes)));
    RAWKV_RETURN_IF_ERROR(file->Truncate(bytes.size()));  // a killed process may have left a longer one
  }
  return fs.Rename(next, path);
}

std::optional<WriterStatus> LoadStatusOf(Fs& fs, const std::string& path, const WriterInfo& holder,
                                         const Uuid& store_uuid) {
  const Result<std::string> file = ReadFile(fs, path, kStatusKind.max_payload_bytes + kSealedHeaderBytes);
  if (!file.ok()) return std::nullopt;
  Result<WriterInfo> writer = DecodeWriterStatus(*file, store_uuid);
  if (!writer.ok() || writer->pid != holder.pid || writer->host != holder.host) return std::nullopt;
  return std::move(writer->status);
}

}  // namespace rawkv
