#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "engine/api/settings.h"

namespace rawkv {

// What one process asks of the process that has the store open. docs/formats/control.md.
struct ControlRequest {
  enum class Operation : uint32_t {
    kCreateSnapshot = 1,
    kDeleteSnapshot = 2,  // of `number`
    kPrune = 3,           // keeps `number` snapshots
    kPin = 4,             // `name`, at version `number`
    kUnpin = 5,           // `name`
    kChangeSettings = 6,  // `settings`
    kAcknowledge = 7,     // Engine::AcknowledgeGivenUp
    kWriteCheckpoint = 8,
    kProgram = 9,  // `name`, for OpenOptions::serve_program
  };
  Operation operation = Operation::kCreateSnapshot;
  std::string name;
  std::optional<uint64_t> number;
  SettingsChange settings;
};

// The result of the operation, as Engine returns it.
struct ControlReply {
  Status status;
  std::vector<Version> versions;  // made, pinned, removed, or of a checkpoint
  RuntimeSettings settings;       // of kChangeSettings
  std::string text;               // of kProgram
};

inline constexpr uint64_t kMaxRequestBytes = 64 << 10;
inline constexpr uint64_t kMaxReplyBytes = 16 << 20;

std::string EncodeControlRequest(const ControlRequest& request);
std::string EncodeControlReply(const ControlReply& reply);
// kCorruption: damaged bytes. kNotSupported: a newer format, operation or setting.
Result<ControlRequest> DecodeControlRequest(std::string_view bytes);
Result<ControlReply> DecodeControlReply(std::string_view bytes);

}  // namespace rawkv
