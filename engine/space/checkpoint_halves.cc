#include "engine/space/checkpoint_halves.h"

#include <algorithm>

namespace rawkv {

void CheckpointHalves::Adopt(const Found& found) {
  MutexLock lock(mu_);
  for (size_t i = 0; i < found.size(); ++i) {
    halves_[i] = {};
    const std::optional<CheckpointHeader>& header = found[i].header;
    if (!header || header->device_uuid != device_uuid_ || header->store_uuid != store_uuid_) continue;
    halves_[i] = {.header = header, .whole = true};
    last_sequence_ = std::max(last_sequence_, header->sequence);
  }
}

Status CheckpointHalves::Attach(const LineageChain& chain, Logger& logger) {
  const Found found = region_.Inspect();
  Adopt(found);
  for (int half = 0; half < CheckpointRegion::kHalves; ++half) {
    const auto i = static_cast<size_t>(half);
    const std::optional<CheckpointHeader>& header = found[i].header;
    std::string why;
    if (header && header->device_uuid == device_uuid_ && header->store_uuid == store_uuid_) {
      const Version version(header->owner_version);
      if (chain.Contains(Lineage(header->owner_lineage), version)) continue;
      why = "it is of version " + ToString(version) + ", which a rollback or a repair has given up";
    } else if (!found[i].status.ok() && found[i].status.code() != StatusCode::kNotFound) {
      why = found[i].status.ToString();
    } else {
      continue;
    }
    RAWKV_RETURN_IF_ERROR(Release(half).WithContext(region_.NameOf(half)));
    logger.Log(LogLevel::kInfo, region_.NameOf(half) + " was erased: " + why);
  }
  return Status::Ok();
}

std::vector<VersionHold> CheckpointHalves::Holds() const {
  std::vector<VersionHold> out;
  MutexLock lock(mu_);
  for (size_t i = 0; i < halves_.size(); ++i) {
    if (!halves_[i].header) continue;
    out.push_back({.kind = kCheckpointHold,
                   .name = i == 0 ? "A" : "B",
                   .version = Version(halves_[i].header->owner_version),
                   .only_slots = true});
  }
  return out;
}

std::optional<CheckpointHeader> CheckpointHalves::Newest() const {
  std::optional<CheckpointHeader> newest;
  MutexLock lock(mu_);
  for (const Half& half : halves_) {
    if (half.whole && (!newest || newest->sequence < half.header->sequence)) newest = half.header;
  }
  return newest;
}

int CheckpointHalves::NextHalf() const {
  MutexLock lock(mu_);
  const auto rank = [](const Half& half) { return half.whole ? half.header->sequence : 0; };
  return rank(halves_[0]) <= rank(halves_[1]) ? 0 : 1;
}

CheckpointInfo CheckpointHalves::Describe() const {
  CheckpointInfo info;
  info.bytes_max = region_.content_bytes_max();
  if (const std::optional<CheckpointHeader> newest = Newest()) {
    info.version = Version(newest->owner_version);
    info.created_unix_ms = newest->created_unix_ms;
    info.records = newest->records;
    info.bytes = newest->content_bytes;
  }
  MutexLock lock(mu_);
  if (!outcome_.ok()) info.error = outcome_.ToString();
  return info;
}

void CheckpointHalves::NoteOutcome(const Status& outcome) {
  MutexLock lock(mu_);
  outcome_ = outcome;
}

uint64_t CheckpointHalves::NextSequence() const {
  MutexLock lock(mu_);
  return last_sequence_ + 1;
}

Status CheckpointHalves::Release(int half) {
  RAWKV_RETURN_IF_ERROR(region_.Erase(half));
  MutexLock lock(mu_);
  halves_[static_cast<size_t>(half)] = {};
  return Status::Ok();
}

Status CheckpointHalves::Publish(int half, const CheckpointHeader& header) {
  const auto i = static_cast<size_t>(half);
  {
    MutexLock lock(mu_);
    halves_[i] = {.header = header, .whole = false};
    last_sequence_ = header.sequence;
  }
  RAWKV_RETURN_IF_ERROR(region_.WriteHeader(half, header));
  MutexLock lock(mu_);
  halves_[i].whole = true;
  return Status::Ok();
}

}  // namespace rawkv
