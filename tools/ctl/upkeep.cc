#include "tools/ctl/upkeep.h"

#include "tools/ctl/store_access.h"
#include "tools/ctl/work_text.h"

namespace rawkv::ctl {

Result<Upkeep> Upkeep::Open(Invocation& call) {
  if (call.session == nullptr && call.flags.wait.value_or(0) > 0) {
    RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
    Result<RunningStore> running = RunningStore::Find(dir);
    if (running.ok()) return Upkeep(*std::move(running));
  }
  Result<OpenedStore> own = OpenStore(call);
  if (own.ok()) return Upkeep(*std::move(own));
  if (own.status().code() != StatusCode::kBusy) return own.status();
  RAWKV_ASSIGN_OR_RETURN(const std::string dir, StoreDirOf(call.flags));
  Result<RunningStore> running = RunningStore::Find(dir);
  if (running.ok()) return Upkeep(*std::move(running));
  return Status::Busy(own.status().message() + "; nor can it be asked: " + running.status().message());
}

Result<Version> Upkeep::CreateSnapshot() {
  return own_ ? (*own_)->CreateSnapshot() : running_->CreateSnapshot();
}

Status Upkeep::DeleteSnapshot(Version version) {
  return own_ ? (*own_)->DeleteSnapshot(version) : running_->DeleteSnapshot(version);
}

Result<std::vector<Version>> Upkeep::Prune(std::optional<uint64_t> keep) {
  return own_ ? (*own_)->Prune(keep) : running_->Prune(keep);
}

void Upkeep::AnnouncePin(Invocation& call, Version version) const {
  if (own_) return AnnounceView(call, **own_, version);
  const Result<OpenedStore> reader = OpenStoreToRead(call);
  if (!reader.ok()) return;
  AnnounceView(call, **reader, version);
  (void)reader->Close();
}

Result<Version> Upkeep::Pin(const std::string& name, std::optional<Version> version) {
  return own_ ? (*own_)->Pin(name, version) : running_->Pin(name, version);
}

Status Upkeep::Unpin(const std::string& name) {
  return own_ ? (*own_)->Unpin(name) : running_->Unpin(name);
}

Result<RuntimeSettings> Upkeep::ChangeSettings(const SettingsChange& change) {
  return own_ ? (*own_)->ChangeSettings(change) : running_->ChangeSettings(change);
}

Status Upkeep::AcknowledgeGivenUp() {
  return own_ ? (*own_)->AcknowledgeGivenUp() : running_->AcknowledgeGivenUp();
}

Result<Version> Upkeep::WriteCheckpoint() {
  return own_ ? (*own_)->WriteCheckpoint() : running_->WriteCheckpoint();
}

Status Upkeep::Close() {
  return own_ ? own_->Close() : Status::Ok();
}

}  // namespace rawkv::ctl
