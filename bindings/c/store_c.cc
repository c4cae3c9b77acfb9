// The calls of the C interface that open and read a store.

#include <cstddef>

#include "base/resolve_path.h"
#include "bindings/c/handles.h"
#include "bindings/c/store_options.h"

namespace rawkv::c {
namespace {

static_assert(RAWKV_OK == static_cast<int>(StatusCode::kOk));
static_assert(RAWKV_NOT_FOUND == static_cast<int>(StatusCode::kNotFound));
static_assert(RAWKV_INVALID_ARGUMENT == static_cast<int>(StatusCode::kInvalidArgument));
static_assert(RAWKV_FAILED_PRECONDITION == static_cast<int>(StatusCode::kFailedPrecondition));
static_assert(RAWKV_VERSION_UNREACHABLE == static_cast<int>(StatusCode::kVersionUnreachable));
static_assert(RAWKV_BUSY == static_cast<int>(StatusCode::kBusy));
static_assert(RAWKV_NO_SPACE == static_cast<int>(StatusCode::kNoSpace));
static_assert(RAWKV_CORRUPTION == static_cast<int>(StatusCode::kCorruption));
static_assert(RAWKV_IO_ERROR == static_cast<int>(StatusCode::kIoError));
static_assert(RAWKV_NOT_SUPPORTED == static_cast<int>(StatusCode::kNotSupported));
static_assert(RAWKV_POISONED == static_cast<int>(StatusCode::kPoisoned));
static_assert(RAWKV_INTERNAL == static_cast<int>(StatusCode::kInternal));
static_assert(RAWKV_APPLIED == static_cast<int>(CommitOutcome::kApplied));
static_assert(RAWKV_NOT_APPLIED == static_cast<int>(CommitOutcome::kNotApplied));
static_assert(RAWKV_UNKNOWN == static_cast<int>(CommitOutcome::kUnknown));

static_assert(RAWKV_LOG_INFO == static_cast<int>(LogLevel::kInfo));
static_assert(RAWKV_LOG_WARNING == static_cast<int>(LogLevel::kWarning));
static_assert(RAWKV_LOG_ERROR == static_cast<int>(LogLevel::kError));

class SinkLogger final : public Logger {
 public:
  explicit SinkLogger(const rawkv_log_sink& sink) : log_(sink.log), context_(sink.context) {}
  void Log(LogLevel level, std::string_view message) override {
    log_(context_, static_cast<int>(level), message.data(), message.size());
  }

 private:
  const rawkv_log_fn log_;
  void* const context_;
};

}  // namespace
}  // namespace rawkv::c

using namespace rawkv;     // NOLINT: the functions below are outside of any namespace
using namespace rawkv::c;  // NOLINT

uint32_t rawkv_abi_version(void) {
  return RAWKV_ABI_VERSION;
}
const char* rawkv_code_name(int code) {
  if (code < RAWKV_OK || code > RAWKV_INTERNAL) return "unknown";
  return StatusCodeName(static_cast<StatusCode>(code)).data();
}
void rawkv_free(void* memory) {
  std::free(memory);
}

int rawkv_format(const char* dir, const char* options, char** error) {
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const FormatOptions format, ParseFormatOptions(options));
    return Engine::Format(dir, format).status();
  });
}

int rawkv_open(const char* dir, const char* options, rawkv_engine** engine, char** error) {
  return rawkv_open_logged(dir, options, nullptr, engine, error);
}

int rawkv_open_logged(const char* dir, const char* options, const rawkv_log_sink* sink, rawkv_engine** engine,
                      char** error) {
  *engine = nullptr;
  return Run(error, [&]() -> Status {
    if (sink != nullptr && (sink->struct_size < sizeof(rawkv_log_sink) || sink->log == nullptr)) {
      return Status::InvalidArgument("rawkv_log_sink: a wrong struct_size, or no function");
    }
    RAWKV_ASSIGN_OR_RETURN(OpenOptions open, ParseOpenOptions(options));
    auto handle = std::make_unique<rawkv_engine>();
    if (sink != nullptr) {
      handle->logger = std::make_unique<SinkLogger>(*sink);
      open.env.logger = handle->logger.get();
    }
    handle->dir = ResolvePath(*open.env.fs, dir);
    handle->read_only = open.read_only;
    RAWKV_ASSIGN_OR_RETURN(handle->engine, Engine::Open(dir, open));
    *engine = handle.release();
    return Status::Ok();
  });
}

int rawkv_close(rawkv_engine* engine, char** error) {
  if (engine == nullptr) return Answer(Status::Ok(), error);
  const Status closed = engine->engine->Close();
  if (closed.code() != StatusCode::kBusy) delete engine;
  return Answer(closed, error);
}

uint64_t rawkv_version(const rawkv_engine* engine) {
  return engine->engine->version().value();
}
uint64_t rawkv_durable_version(const rawkv_engine* engine) {
  return engine->engine->durable_version().value();
}
int rawkv_sync(rawkv_engine* engine, char** error) {
  return Run(error, [&] { return engine->engine->Sync(); });
}
int rawkv_refresh(rawkv_engine* engine, char** error) {
  return Run(error, [&] { return engine->engine->Refresh(); });
}

int rawkv_get(rawkv_engine* engine, const rawkv_view* view, const void* key, size_t key_size, void* out,
              size_t out_size, size_t* size, char** error) {
  *size = 0;
  return Run(error, [&]() -> Status {
    const SessionRead read{.key = AsView(key, key_size), .out = c::AsBytes(out, out_size)};
    const Result<uint64_t> bytes = engine->engine->GetInto(read.key, read.out, OptionsFor(view));
    if (bytes.ok()) *size = *bytes;
    if (bytes.status().code() != StatusCode::kInvalidArgument) return bytes.status();
    // Only this call answers with the length as well.
    for (const SessionAnswer& answer : engine->engine->MultiGetInto(std::span(&read, 1), OptionsFor(view))) {
      if (answer.status.ok()) return Status::Busy("the value was replaced meanwhile; read it again");
      *size = answer.bytes;
    }
    return bytes.status();
  });
}

int rawkv_get_range(rawkv_engine* engine, const rawkv_view* view, const void* key, size_t key_size,
                    uint64_t offset, void* out, size_t out_size, size_t* size, char** error) {
  *size = 0;
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(*size, engine->engine->GetRange(AsView(key, key_size), offset,
                                                           c::AsBytes(out, out_size), OptionsFor(view)));
    return Status::Ok();
  });
}

int rawkv_exists(rawkv_engine* engine, const rawkv_view* view, const void* key, size_t key_size, int* exists,
                 char** error) {
  *exists = 0;
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const bool found, engine->engine->Exists(AsView(key, key_size), OptionsFor(view)));
    *exists = found ? 1 : 0;
    return Status::Ok();
  });
}

int rawkv_multi_get(rawkv_engine* engine, const rawkv_view* view, rawkv_read* reads, size_t read_size,
                    size_t count, char** error) {
  return Run(error, [&]() -> Status {
    if (read_size != sizeof(rawkv_read)) return Status::InvalidArgument("rawkv_multi_get: a wrong read_size");
    std::vector<SessionRead> wanted;
    for (size_t i = 0; i < count; ++i) {
      wanted.push_back({AsView(reads[i].key, reads[i].key_size),
                        Bytes(static_cast<std::byte*>(reads[i].out), reads[i].out_size)});
    }
    const std::vector<SessionAnswer> answers = engine->engine->MultiGetInto(wanted, OptionsFor(view));
    if (answers.size() != count) return Status::IoError("out of memory");
    for (size_t i = 0; i < count; ++i) {
      reads[i].code = static_cast<int32_t>(answers[i].status.code());
      reads[i].size = answers[i].bytes;
      reads[i].written_by = answers[i].written_by.value();
    }
    return Status::Ok();
  });
}
