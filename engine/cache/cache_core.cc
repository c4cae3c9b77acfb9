#include "engine/cache/cache_core.h"

#include <algorithm>

#include "base/limits.h"
#include "engine/api/write_batch.h"

namespace rawkv {
namespace {

constexpr char kExpiryTag = 't';

uint64_t SlotShare(uint64_t slots, double part) {
  return static_cast<uint64_t>(static_cast<double>(slots) * part);
}

Status CheckKey(std::string_view key) {
  if (key.empty() || key.size() > ObjectTable::kMaxKeyBytes) {
    return Status::InvalidArgument("a key of " + std::to_string(key.size()) + " bytes: must be 1 to " +
                                   std::to_string(ObjectTable::kMaxKeyBytes));
  }
  if (key.front() == kReservedByte) {
    return Status::InvalidArgument("a key begins with the byte 0xFF, which the cache keeps for itself");
  }
  return Status::Ok();
}

}  // namespace

std::string ExpiryKey(std::string_view object) {
  std::string key{kReservedByte, kExpiryTag};
  key.append(object);
  return key;
}

CacheCore::CacheCore(const ObjectCacheOptions& options, const CacheGeometry& geometry)
    : options_(options),
      geometry_(geometry),
      trigger_slots_(SlotShare(geometry.capacity_slots, options.trigger_watermark)),
      target_slots_(trigger_slots_ -
                    std::min(trigger_slots_, SlotShare(geometry.capacity_slots, options.eviction_ratio))),
      policy_(options.eviction) {
  for (const PrefixQuota& quota : options.quotas) quotas_.push_back({quota.prefix, quota.bytes_max, 0});
  stats_.capacity_bytes = geometry.capacity_slots * geometry.slot_bytes;
}

void CacheCore::Reserve(uint64_t objects) {
  MutexLock lock(mu_);
  table_.Reserve(objects);
}

uint32_t CacheCore::Load(std::string_view key, uint64_t bytes) {
  MutexLock lock(mu_);
  const uint32_t object = table_.Insert(key);
  table_[object].bytes = static_cast<uint32_t>(bytes);
  table_[object].state = ObjectState::kResident;
  AddRoom(key, bytes);
  ++stats_.objects;
  stats_.bytes += bytes;
  return object;
}

void CacheCore::LoadExpiry(std::string_view key, uint32_t expires) {
  MutexLock lock(mu_);
  const uint32_t object = table_.Find(key);
  if (object == ObjectTable::kNone) return;
  table_[object].expires = expires;
  ++expiring_;
}

void CacheCore::LoadOrder(const EvictionPolicy::Place& place) {
  MutexLock lock(mu_);
  policy_.Restore(place);
}

uint32_t CacheCore::NowSeconds() const {
  return static_cast<uint32_t>(options_.env.clock->NowUnixMs() / 1000);
}

CacheCore::Quota* CacheCore::QuotaOf(std::string_view key) {
  Quota* found = nullptr;
  for (Quota& quota : quotas_) {
    if (!key.starts_with(quota.prefix)) continue;
    if (found == nullptr || quota.prefix.size() > found->prefix.size()) found = &quota;
  }
  return found;
}

void CacheCore::AddRoom(std::string_view key, uint64_t bytes) {
  stored_ += geometry_.SlotsOf(bytes);
  if (Quota* const quota = QuotaOf(key)) quota->bytes += bytes;
}

void CacheCore::DropRoom(std::string_view key, uint64_t bytes) {
  stored_ -= geometry_.SlotsOf(bytes);
  if (Quota* const quota = QuotaOf(key)) quota->bytes -= bytes;
}

bool CacheCore::Expired(const CachedObject& object) const {
  return object.expires != 0 && !object.held && object.expires <= NowSeconds();
}

uint32_t CacheCore::FindLive(std::string_view key) {
  const uint32_t object = table_.Find(key);
  if (object == ObjectTable::kNone || table_[object].state != ObjectState::kResident ||
      Expired(table_[object])) {
    return ObjectTable::kNone;
  }
  policy_.Touch(object);
  ++changes_;
  return object;
}

// ---- puts ----

Status CacheCore::CheckPut(const ObjectPut& put) const {
  RAWKV_RETURN_IF_ERROR(CheckKey(put.key));
  if (put.value.size() > kMaxValueBytes) {
    return Status::InvalidArgument("a value of " + std::to_string(put.value.size()) +
                                   " bytes is over the limit of " + std::to_string(kMaxValueBytes));
  }
  return Status::Ok();
}

void CacheCore::BeginPut(std::span<const ObjectPut> puts, CacheOperation& op) {
  op.answers.resize(puts.size());
  op.parts.reserve(puts.size());
  op.values.reserve(puts.size());
  bool evicts = false;
  {
    MutexLock lock(mu_);
    ++under_way_;
    op.begun = true;
    for (uint32_t i = 0; i < puts.size(); ++i) op.answers[i] = BeginOnePut(puts[i], op, i);
    evicts = !doomed_.empty();
  }
  if (evicts) wake();
}

ObjectAnswer CacheCore::BeginOnePut(const ObjectPut& put, CacheOperation& op, uint32_t answer) {
  const auto refuse = [&](Status why) RAWKV_NO_THREAD_SAFETY_ANALYSIS {
    ++stats_.refused;
    return ObjectAnswer{.verdict = ObjectVerdict::kFailed, .status = std::move(why)};
  };
  if (Status wrong = CheckPut(put); !wrong.ok()) return refuse(std::move(wrong));
  const uint64_t bytes = put.value.size();
  uint32_t object = table_.Find(put.key);
  if (object != ObjectTable::kNone) {
    if (table_[object].state != ObjectState::kResident) return {.verdict = ObjectVerdict::kBusy};
    if (!Expired(table_[object])) {
      policy_.Touch(object);
      ++stats_.existed;
      return {.verdict = ObjectVerdict::kExisted, .status = {}, .bytes = table_[object].bytes};
    }
  }
  const uint64_t slots = geometry_.SlotsOf(bytes);
  if (op.slots + slots > geometry_.capacity_slots) {
    return refuse(Status::NoSpace("a batch of more than the cache's capacity of " +
                                  std::to_string(stats_.capacity_bytes) + " bytes; split it"));
  }
  if (Quota* const quota = QuotaOf(put.key); quota != nullptr && !MakeQuotaRoom(*quota, bytes)) {
    return refuse(Status::NoSpace("the quota of " + std::to_string(quota->bytes_max) +
                                  " bytes for keys with " + quota->prefix +
                                  " is used, and nothing more of it can be evicted"));
  }
  CacheOperation::Part part{.answer = answer};
  if (object == ObjectTable::kNone) {
    object = table_.Insert(put.key);
  } else if (table_[object].state != ObjectState::kResident) {
    return {.verdict = ObjectVerdict::kBusy};  // the quota has just evicted it
  } else {
    // The expired value stays until the commit replaces it.
    CachedObject& old = table_[object];
    part.old_bytes = old.bytes;
    part.old_expires = old.expires;
    policy_.Erase(object);
    DropRoom(put.key, old.bytes);
    removing_ += geometry_.SlotsOf(old.bytes);
  }
  part.object = object;
  CachedObject& entry = table_[object];
  entry.bytes = static_cast<uint32_t>(bytes);
  entry.state = ObjectState::kStoring;
  const uint64_t ttl = put.ttl_seconds.value_or(options_.ttl_seconds);
  entry.expires = ttl == 0 ? 0 : static_cast<uint32_t>(std::min<uint64_t>(UINT32_MAX, NowSeconds() + ttl));
  AddRoom(put.key, bytes);
  stored_ -= slots;  // Admit takes the room
  op.slots += slots;
  op.parts.push_back(part);
  op.values.push_back(put.value);
  return {.verdict = ObjectVerdict::kDone, .status = {}, .bytes = bytes};
}

void CacheCore::FillBatch(const CacheOperation& op, WriteBatch& batch) {
  MutexLock lock(mu_);
  for (size_t i = 0; i < op.parts.size(); ++i) {
    const CacheOperation::Part& part = op.parts[i];
    const std::string_view key = table_.key(part.object);
    if (op.op == ObjectOp::kDelete) {
      AddDelete(part.object, batch);
      continue;
    }
    batch.PutBorrowed(key, op.values[i]);
    if (const uint32_t expires = table_[part.object].expires; expires != 0) {
      batch.Put(ExpiryKey(key), std::to_string(expires));
    } else if (part.old_expires != 0) {
      batch.Delete(ExpiryKey(key));
    }
  }
}

void CacheCore::AddDelete(uint32_t object, WriteBatch& batch) const {
  batch.Delete(table_.key(object));
  if (table_[object].expires != 0) batch.Delete(ExpiryKey(table_.key(object)));
}

void CacheCore::EndPut(CacheOperation& op, const SessionCompletion& done) {
  if (!done.status.ok()) return UndoPut(op);
  for (const CacheOperation::Part& part : op.parts) {
    CachedObject& object = table_[part.object];
    object.state = ObjectState::kResident;
    policy_.Insert(part.object);
    if (part.old_expires != 0) {
      const uint64_t old_slots = geometry_.SlotsOf(part.old_bytes);
      removing_ -= old_slots;
      unfreed_ += old_slots;
      stats_.bytes -= part.old_bytes;
      --stats_.objects;
      --expiring_;
      ++stats_.expired;
    }
    if (object.expires != 0) ++expiring_;
    ++stats_.objects;
    ++stats_.stored;
    stats_.bytes += object.bytes;
    stats_.stored_bytes += object.bytes;
  }
  ++changes_;
}

// The room is given back already.
void CacheCore::UndoPut(CacheOperation& op) {
  for (const CacheOperation::Part& part : op.parts) {
    CachedObject& object = table_[part.object];
    if (Quota* const quota = QuotaOf(table_.key(part.object))) quota->bytes -= object.bytes;
    if (part.old_expires == 0) {
      table_.Erase(part.object);
      continue;
    }
    object.bytes = part.old_bytes;
    object.expires = part.old_expires;
    object.state = ObjectState::kResident;
    removing_ -= geometry_.SlotsOf(object.bytes);
    AddRoom(table_.key(part.object), object.bytes);
    policy_.Insert(part.object);
  }
}

// ---- reads and deletes ----

void CacheCore::BeginGet(std::span<const SessionRead> reads, CacheOperation& op,
                         std::vector<SessionRead>& wanted) {
  op.answers.resize(reads.size(), {.verdict = ObjectVerdict::kMiss});
  op.parts.reserve(reads.size());
  wanted.reserve(reads.size());
  MutexLock lock(mu_);
  ++under_way_;
  op.begun = true;
  for (uint32_t i = 0; i < reads.size(); ++i) {
    const uint32_t object = FindLive(reads[i].key);
    if (object == ObjectTable::kNone) {
      ++stats_.misses;
      continue;
    }
    ++holds_[object].leases;
    table_[object].held = true;
    op.parts.push_back({.answer = i, .object = object});
    wanted.push_back(reads[i]);
  }
}

void CacheCore::BeginExists(std::span<const std::string_view> keys, CacheOperation& op,
                            std::vector<std::string_view>& wanted, const std::string* owner,
                            std::vector<uint32_t>* pinned) {
  op.answers.resize(keys.size(), {.verdict = ObjectVerdict::kMiss});
  op.parts.reserve(keys.size());
  wanted.reserve(keys.size());
  if (pinned != nullptr) pinned->reserve(keys.size());
  MutexLock lock(mu_);
  ++under_way_;
  op.begun = true;
  for (uint32_t i = 0; i < keys.size(); ++i) {
    const uint32_t object = FindLive(keys[i]);
    if (object == ObjectTable::kNone) continue;
    op.answers[i].bytes = table_[object].bytes;
    if (owner != nullptr) {
      ++holds_[object].pins[*owner];
      table_[object].held = true;
      pinned->push_back(object);
    }
    op.parts.push_back({.answer = i, .object = object});
    wanted.push_back(keys[i]);
  }
}

void CacheCore::BeginDelete(std::span<const std::string_view> keys, CacheOperation& op) {
  op.answers.resize(keys.size(), {.verdict = ObjectVerdict::kMiss});
  op.parts.reserve(keys.size());
  MutexLock lock(mu_);
  ++under_way_;
  op.begun = true;
  for (uint32_t i = 0; i < keys.size(); ++i) {
    const uint32_t object = table_.Find(keys[i]);
    if (object == ObjectTable::kNone) continue;
    if (table_[object].state != ObjectState::kResident || table_[object].held) {
      op.answers[i].verdict = ObjectVerdict::kBusy;
      continue;
    }
    op.answers[i].bytes = table_[object].bytes;
    if (!Expired(table_[object])) op.answers[i].verdict = ObjectVerdict::kDone;
    policy_.Erase(object);
    MarkRemoving(object);
    op.parts.push_back({.answer = i, .object = object});
  }
}

void CacheCore::MarkRemoving(uint32_t object) {
  table_[object].state = ObjectState::kRemoving;
  DropRoom(table_.key(object), table_[object].bytes);
  removing_ += geometry_.SlotsOf(table_[object].bytes);
  ++changes_;
}

void CacheCore::FinishRemoving(uint32_t object, bool removed) {
  const CachedObject gone = table_[object];
  const uint64_t slots = geometry_.SlotsOf(gone.bytes);
  removing_ -= slots;
  if (!removed) {
    table_[object].state = ObjectState::kResident;
    AddRoom(table_.key(object), gone.bytes);
    policy_.Insert(object);
    return;
  }
  unfreed_ += slots;
  --stats_.objects;
  stats_.bytes -= gone.bytes;
  if (gone.expires != 0) --expiring_;
  table_.Erase(object);
}

bool CacheCore::End(CacheOperation& op, const SessionCompletion& done) {
  bool wake_round = false;
  {
    MutexLock lock(mu_);
    --under_way_;
    if (op.op == ObjectOp::kPut) {
      if (!done.status.ok()) stored_ -= op.slots;
      op.admitted = false;
      // A full device is no error as long as objects can be evicted.
      if (done.status.code() == StatusCode::kNoSpace) {
        ++under_way_;
        ++op.attempts;
        op.status = done.status;
        return false;
      }
      EndPut(op, done);
    }
    for (const CacheOperation::Part& part : op.parts) {
      if (op.op == ObjectOp::kGet) Release(part.object);
      if (op.op == ObjectOp::kDelete) {
        FinishRemoving(part.object, done.status.ok());
        if (done.status.ok()) ++stats_.deleted;
      }
    }
    const bool read = op.op == ObjectOp::kGet || op.op == ObjectOp::kExists;
    for (size_t i = 0; i < op.parts.size(); ++i) {
      ObjectAnswer& answer = op.answers[op.parts[i].answer];
      Status status = read && done.status.ok() ? done.answers[i].status : done.status;
      if (op.op == ObjectOp::kGet) {
        answer.bytes = status.ok() ? done.answers[i].bytes : 0;
        ++(status.ok() ? stats_.hits : stats_.misses);
      }
      if (read && status.ok()) answer.verdict = ObjectVerdict::kDone;
      if (status.ok() || status.code() == StatusCode::kNotFound) continue;
      // A damaged object would keep its key from ever being stored again.
      if (op.op == ObjectOp::kGet && status.code() == StatusCode::kCorruption) Doom(op.parts[i].object);
      answer = {.verdict = ObjectVerdict::kFailed, .status = std::move(status)};
    }
    op.status = done.status;
    op.parts.clear();
    op.begun = false;
    wake_round = !waiting_.empty() || !doomed_.empty() || taken() > trigger_slots_;
  }
  if (wake_round) wake();
  return true;
}

void CacheCore::Abandon(CacheOperation& op, const Status& why) {
  if (!op.begun) return;
  bool wake_round = false;
  {
    MutexLock lock(mu_);
    --under_way_;
    for (const CacheOperation::Part& part : op.parts) {
      if (op.op == ObjectOp::kGet) Release(part.object);
      if (op.op == ObjectOp::kDelete) FinishRemoving(part.object, false);
      op.answers[part.answer] = {.verdict = ObjectVerdict::kFailed, .status = why};
    }
    if (op.op == ObjectOp::kPut) {
      if (op.admitted) stored_ -= op.slots;
      UndoPut(op);
      stats_.refused += op.parts.size();
    }
    op.status = why;
    op.parts.clear();
    op.begun = false;
    wake_round = !waiting_.empty();
  }
  if (wake_round) wake();
}

}  // namespace rawkv
