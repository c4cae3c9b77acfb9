#include "engine/perform_request.h"

namespace rawkv {
namespace {

ControlReply ReplyOf(const Result<Version>& version) {
  if (!version.ok()) return {.status = version.status(), .versions = {}, .settings = {}};
  return {.status = {}, .versions = {*version}, .settings = {}};
}

ControlReply ReplyOf(Status status) {
  return {.status = std::move(status), .versions = {}, .settings = {}};
}

}  // namespace

ControlReply PerformRequest(Engine& engine, const ControlRequest& request,
                            const std::function<Result<std::string>(std::string_view)>& serve_program) {
  std::optional<Version> version;
  if (request.number) version = Version(*request.number);
  switch (request.operation) {
    case ControlRequest::Operation::kCreateSnapshot:
      return ReplyOf(engine.CreateSnapshot());
    case ControlRequest::Operation::kWriteCheckpoint:
      return ReplyOf(engine.WriteCheckpoint());
    case ControlRequest::Operation::kDeleteSnapshot:
      return ReplyOf(engine.DeleteSnapshot(version.value_or(Version())));
    case ControlRequest::Operation::kPin:
      return ReplyOf(engine.Pin(request.name, version));
    case ControlRequest::Operation::kUnpin:
      return ReplyOf(engine.Unpin(request.name));
    case ControlRequest::Operation::kAcknowledge:
      return ReplyOf(engine.AcknowledgeGivenUp());
    case ControlRequest::Operation::kProgram: {
      if (!serve_program) {
        return ReplyOf(
            Status::NotSupported("the program that has the store open takes no requests of its own"));
      }
      Result<std::string> text = serve_program(request.name);
      if (!text.ok()) return ReplyOf(text.status());
      return {.status = {}, .versions = {}, .settings = {}, .text = *std::move(text)};
    }
    case ControlRequest::Operation::kPrune: {
      Result<std::vector<Version>> removed = engine.Prune(request.number);
      if (!removed.ok()) return ReplyOf(removed.status());
      return {.status = {}, .versions = std::move(removed).value(), .settings = {}};
    }
    case ControlRequest::Operation::kChangeSettings: {
      const Result<RuntimeSettings> settings = engine.ChangeSettings(request.settings);
      if (!settings.ok()) return ReplyOf(settings.status());
      return {.status = {}, .versions = {}, .settings = *settings};
    }
  }
  return ReplyOf(Status::NotSupported("an unknown operation"));
}

}  // namespace rawkv
