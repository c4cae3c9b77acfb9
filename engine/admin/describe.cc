#include "engine/admin/describe.h"

#include "engine/admin/inspect.h"
#include "engine/live/writer_status.h"
#include "engine/maintenance/history_cost.h"
#include "engine/read/views.h"

namespace rawkv {

EngineInfo DescribeIdentity(const StoreContext& c, const StoreSurvey& survey) {
  const StoreRecord record = c.record();
  EngineInfo info;
  info.store_uuid = c.identity.store_uuid;
  info.device_uuid = c.identity.device_uuid;
  info.device_path = c.device_path.empty() ? record.device_hint : c.device_path;
  info.slot_bytes = c.identity.slot_bytes;
  info.header_bytes = c.identity.header_bytes;
  info.inline_bytes = c.identity.inline_bytes;
  info.formats = SupportedFormats();
  info.initial_version = c.identity.initial_version;
  info.lineage = record.chain.current();
  if (survey.current && survey.Find(*survey.current) != nullptr) info.current = survey.current;
  info.snapshots = survey.Rows();
  info.engine_requested = IoEngineName(c.options.engine);
  info.settings = c.runtime;
  info.health = "ok";
  info.recovery = record.last_cut;
  info.given_up = record.given_up;
  info.pinned_by = MeasureHistoryFiles(c, survey);
  if (c.checkpoints != nullptr) info.checkpoint = c.checkpoints->Describe();
  const Result<std::vector<std::string>> names = c.env.fs->List(c.paths.dir);
  // Best effort: an operation that needs the directory reports the error.
  if (names.ok()) std::copy_if(names->begin(), names->end(), std::back_inserter(info.aside), IsAsideName);
  if (c.device.device != nullptr) {
    info.device_kind = DeviceKindName(c.device.device->geometry().kind);
    info.capacity_bytes = c.device.device->geometry().capacity_bytes;
    info.engine_used = IoEngineName(c.device.used);
    info.engine_reason = c.device.reason;
  }
  return info;
}

void DescribeWriter(const StoreContext& c, EngineInfo* info) {
  if (!IsOpenElsewhere(c)) return;
  info->writer = ReadLockHolder(*c.env.fs, c.paths.dir).value_or(WriterInfo{.host = "unknown"});
  info->writer->status = LoadStatusOf(*c.env.fs, c.paths.status(), *info->writer, c.identity.store_uuid);
  if (!info->writer->status) return;
  const WriterStatus& status = *info->writer->status;
  info->health = status.health;
  if (info->checkpoint) info->checkpoint->error = status.checkpoint_error;
  info->settings.durability = status.durability;
  info->engine_requested = status.engine_requested;
  info->engine_used = status.engine_used;
  info->engine_reason = status.engine_reason;
}

Status DescribeSlots(KeyIndex& index, const Reachability& reach, uint64_t total_slots,
                     const std::function<uint64_t()>& reserved, EngineInfo* info) {
  const std::shared_ptr<const ReadPoint> at = index.TakeReadPoint();
  RAWKV_ASSIGN_OR_RETURN(const MetaRecord meta, index.Meta(at.get()));
  // After the read point. Otherwise a commit in between would be counted twice, as reserved and as live.
  info->slots.reserved = reserved();
  PinAccount account(reach);
  RAWKV_RETURN_IF_ERROR(index.ForEachDeferred(
      meta.applied, std::nullopt,
      [&](const DeferredFree& entry) {
        account.Add(entry);
        return true;
      },
      at.get()));
  SlotUse& s = info->slots;
  s.at_version = meta.applied;
  s.total = total_slots;
  s.live = meta.live_slots;
  s.pinned = account.pinned();
  s.reclaimable = account.reclaimable();
  AddSlotHolders(account.holders(), &info->pinned_by);
  info->pinned_shared = account.shared();
  const uint64_t used = s.live + s.pinned + s.reclaimable + s.reserved;
  if (s.live + s.pinned + s.reclaimable != meta.taken_slots || used > total_slots) {
    return Status::Corruption("slot accounting does not add up: " + std::to_string(s.live) + " live, " +
                              std::to_string(s.pinned) + " pinned and " + std::to_string(s.reclaimable) +
                              " reclaimable slots, but " + std::to_string(meta.taken_slots) + " taken of " +
                              std::to_string(total_slots) + "; run fsck");
  }
  s.free = total_slots - used;
  s.available = total_slots - s.live - s.reserved - account.held();
  return Status::Ok();
}

Result<EngineInfo> DescribeOpenStore(StoreContext& c, Core& core, const Poison& poison,
                                     const StoreSurvey& survey, const Reachability& reach) {
  EngineInfo info = DescribeIdentity(c, survey);
  info.version = reach.tip;
  info.durable_version = std::min(Version(core.durable.load()), reach.tip);
  info.reachable = reach.Ranges();
  if (const Status health = FindHealth(c, poison); !health.ok()) info.health = health.ToString();
  RAWKV_RETURN_IF_ERROR(DescribeSlots(
      *core.index, reach, c.layout().slot_count,
      [&] { return core.allocator == nullptr ? 0 : core.allocator->reserved_slots(); }, &info));
  if (c.lock == nullptr) DescribeWriter(c, &info);
  return info;
}

}  // namespace rawkv
