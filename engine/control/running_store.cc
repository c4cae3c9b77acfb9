#include "engine/control/running_store.h"

#include "base/exception_status.h"
#include "engine/control/control_message.h"
#include "engine/control/control_socket.h"
#include "engine/store/store_dir.h"
#include "engine/store/store_paths.h"

namespace rawkv {

using Operation = ControlRequest::Operation;

Result<RunningStore> RunningStore::Find(const std::string& dir) try {
  RAWKV_ASSIGN_OR_RETURN(std::string store_dir, ResolveStoreDir(PosixFs(), dir));
  RunningStore store(StorePaths(std::move(store_dir)).lock());
  RAWKV_RETURN_IF_ERROR(ConnectToStore(store.lock_path_).status());
  return store;
} catch (...) {
  return StatusOfException();
}

Result<ControlReply> RunningStore::Ask(const ControlRequest& request) const try {
  RAWKV_ASSIGN_OR_RETURN(const UniqueFd socket, ConnectToStore(lock_path_));
  RAWKV_RETURN_IF_ERROR(SendAll(socket, EncodeControlRequest(request)));
  const Result<std::string> bytes = ReceiveAll(socket, 2 * kMaxReplyBytes, /*stop_fd=*/-1);
  if (!bytes.ok() || bytes->empty()) {
    return Status::IoError("the process that has the store open ended before it answered (" +
                           bytes.status().ToString() +
                           "); the request may have taken effect or not: repeat it");
  }
  RAWKV_ASSIGN_OR_RETURN(ControlReply reply, DecodeControlReply(*bytes));
  RAWKV_RETURN_IF_ERROR(reply.status.WithContext("the process that has the store open"));
  return reply;
} catch (...) {
  return StatusOfException();
}

Result<Version> RunningStore::AskForVersion(const ControlRequest& request) const {
  RAWKV_ASSIGN_OR_RETURN(const ControlReply reply, Ask(request));
  if (reply.versions.size() != 1) return Status::Corruption("control reply: one version was expected");
  return reply.versions.front();
}

Result<Version> RunningStore::CreateSnapshot() {
  return AskForVersion({.operation = Operation::kCreateSnapshot, .name = {}, .number = {}, .settings = {}});
}

Status RunningStore::DeleteSnapshot(Version version) {
  return Ask({.operation = Operation::kDeleteSnapshot, .name = {}, .number = version.value(), .settings = {}})
      .status();
}

Result<std::vector<Version>> RunningStore::Prune(std::optional<uint64_t> keep) {
  RAWKV_ASSIGN_OR_RETURN(ControlReply reply,
                         Ask({.operation = Operation::kPrune, .name = {}, .number = keep, .settings = {}}));
  return std::move(reply.versions);
}

Result<Version> RunningStore::Pin(const std::string& name, std::optional<Version> version) {
  ControlRequest request{.operation = Operation::kPin, .name = name, .number = {}, .settings = {}};
  if (version) request.number = version->value();
  return AskForVersion(request);
}

Status RunningStore::Unpin(const std::string& name) {
  return Ask({.operation = Operation::kUnpin, .name = name, .number = {}, .settings = {}}).status();
}

Result<RuntimeSettings> RunningStore::ChangeSettings(const SettingsChange& change) {
  RAWKV_ASSIGN_OR_RETURN(
      const ControlReply reply,
      Ask({.operation = Operation::kChangeSettings, .name = {}, .number = {}, .settings = change}));
  return reply.settings;
}

Result<std::string> RunningStore::AskProgram(const std::string& request) const {
  if (request.size() > kMaxRequestBytes / 2) {
    return Status::InvalidArgument("a request of " + std::to_string(request.size()) +
                                   " bytes is over the limit of " + std::to_string(kMaxRequestBytes / 2));
  }
  RAWKV_ASSIGN_OR_RETURN(
      ControlReply reply,
      Ask({.operation = Operation::kProgram, .name = request, .number = {}, .settings = {}}));
  return std::move(reply.text);
}

Status RunningStore::AcknowledgeGivenUp() {
  return Ask({.operation = Operation::kAcknowledge, .name = {}, .number = {}, .settings = {}}).status();
}

Result<Version> RunningStore::WriteCheckpoint() {
  return AskForVersion({.operation = Operation::kWriteCheckpoint, .name = {}, .number = {}, .settings = {}});
}

}  // namespace rawkv
