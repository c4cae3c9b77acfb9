#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/export.h"
#include "base/result.h"
#include "base/types.h"
#include "engine/api/settings.h"

namespace rawkv {

struct ControlRequest;
struct ControlReply;

// A store that another process has open for writing. That process performs each call with the function of
// Engine that has the same name, and with the same result. It must run as the same user, or the caller as
// root, on the same machine and in the same network namespace.
//
// Any call may return kNotFound: no process takes requests for the store. kIoError: the process ended before
// it answered, and the call may have taken effect or not; repeat it. kNotSupported: the process runs an older
// rawkv. kFailedPrecondition: the process belongs to another user. Waits while the process performs earlier
// requests. Thread-safe.
class RAWKV_EXPORT RunningStore {
 public:
  // kNotFound: no process takes requests for the store in `dir`.
  static Result<RunningStore> Find(const std::string& dir);

  Result<Version> CreateSnapshot();
  Status DeleteSnapshot(Version version);
  Result<std::vector<Version>> Prune(std::optional<uint64_t> keep = std::nullopt);
  Result<Version> Pin(const std::string& name, std::optional<Version> version = std::nullopt);
  Status Unpin(const std::string& name);
  Result<RuntimeSettings> ChangeSettings(const SettingsChange& change);
  Status AcknowledgeGivenUp();
  Result<Version> WriteCheckpoint();
  // Asks the program that has the store open (OpenOptions::serve_program). `request` has at most 32 KiB.
  // kNotSupported also: the program takes no requests of its own.
  Result<std::string> AskProgram(const std::string& request) const;

 private:
  explicit RunningStore(std::string lock_path) : lock_path_(std::move(lock_path)) {}
  Result<ControlReply> Ask(const ControlRequest& request) const;
  Result<Version> AskForVersion(const ControlRequest& request) const;

  const std::string lock_path_;
};

}  // namespace rawkv
