#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/exception_status.h"
#include "base/result.h"
#include "bindings/c/rawkv_c.h"
#include "engine/engine.h"
#include "engine/transfer/chunk_transfer.h"

struct rawkv_engine {
  std::unique_ptr<rawkv::Logger> logger;  // null: that of the options; the engine uses it until its end
  std::string dir;                        // absolute
  bool read_only = false;
  std::unique_ptr<rawkv::Engine> engine;
};
struct rawkv_chunk_reader {
  std::unique_ptr<rawkv::ExportReader> reader;
};
struct rawkv_chunk_receiver {
  std::unique_ptr<rawkv::ExportReceiver> receiver;
};
struct rawkv_view {
  std::shared_ptr<const rawkv::ReadView> view;
};
struct rawkv_iterator {
  std::unique_ptr<rawkv::Iterator> iterator;
};
struct rawkv_batch {
  rawkv::WriteBatch batch;
};
struct rawkv_session {
  std::unique_ptr<rawkv::Session> session;
};

namespace rawkv::c {

inline std::string_view AsView(const void* bytes, size_t size) {
  return {static_cast<const char*>(bytes), size};
}
inline Bytes AsBytes(void* bytes, size_t size) {
  return {static_cast<std::byte*>(bytes), size};
}
inline ReadOptions OptionsFor(const rawkv_view* view) {
  return {.view = view == nullptr ? nullptr : view->view.get()};
}

// The code of a status. Sets `*error`, if `error` is not null, to a copy of its text, or to null without
// memory or without an error.
inline int Answer(const Status& status, char** error) noexcept {
  if (error != nullptr) {
    *error = nullptr;
    if (!status.ok())
      (void)NoThrow([&]() -> Status {
        *error = ::strdup(status.ToString().c_str());
        return {};
      });
  }
  return static_cast<int>(status.code());
}

// Runs `call`, which returns a Status, and answers with it.
template <typename Call>
int Run(char** error, Call&& call) noexcept {
  return Answer(NoThrow(std::forward<Call>(call)), error);
}

// Runs `call`, which returns Result<std::string>, and sets `*text` to a copy of its text for rawkv_free, or
// to null after an error.
template <typename Call>
int RunForText(char** text, char** error, Call&& call) noexcept {
  *text = nullptr;
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const std::string answer, call());
    *text = ::strdup(answer.c_str());
    return *text != nullptr ? Status::Ok() : Status::IoError("out of memory");
  });
}

inline std::optional<Version> VersionOrTip(uint64_t version) {
  return version == RAWKV_TIP ? std::nullopt : std::optional(Version(version));
}
// kInvalidArgument: an unknown flag; `function` begins the message.
Result<RollbackOptions> RollbackOptionsOf(const char* function, uint32_t flags);

// A copy of `bytes` for rawkv_free; null without memory.
inline void* CopyOf(const void* bytes, size_t size) {
  void* const copy = std::malloc(size == 0 ? 1 : size);
  if (copy != nullptr && size != 0) std::memcpy(copy, bytes, size);
  return copy;
}

// The library's options of a commit. kInvalidArgument: a flag, or two that exclude each other.
Result<CommitOptions> CommitOptionsOf(const rawkv_commit_options* options);

}  // namespace rawkv::c
