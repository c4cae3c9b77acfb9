#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/control/running_store.h"
#include "tools/ctl/command.h"
#include "tools/ctl/session.h"

namespace rawkv::ctl {

// A store for commands that change what it keeps, and no content. The command opens the store itself, or asks
// the process that has it open.
class Upkeep {
 public:
  // --wait counts only if the process that has the store open takes no requests. A missing store is
  // kFailedPrecondition.
  static Result<Upkeep> Open(Invocation& call);

  Result<Version> CreateSnapshot();
  Status DeleteSnapshot(Version version);
  Result<std::vector<Version>> Prune(std::optional<uint64_t> keep);
  // AnnounceView for a pin of the version.
  void AnnouncePin(Invocation& call, Version version) const;
  Result<Version> Pin(const std::string& name, std::optional<Version> version);
  Status Unpin(const std::string& name);
  Result<RuntimeSettings> ChangeSettings(const SettingsChange& change);
  Status AcknowledgeGivenUp();
  Result<Version> WriteCheckpoint();
  Status Close();

 private:
  explicit Upkeep(OpenedStore own) : own_(std::move(own)) {}
  explicit Upkeep(RunningStore running) : running_(std::move(running)) {}

  std::optional<OpenedStore> own_;  // exactly one of the two
  std::optional<RunningStore> running_;
};

}  // namespace rawkv::ctl
