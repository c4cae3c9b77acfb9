// The sessions of the C interface.

#include <new>

#include "bindings/c/handles.h"
#include "bindings/c/option_text.h"
#include "report/json_text.h"

namespace rawkv::c {
namespace {

static_assert(RAWKV_OP_GET == static_cast<int>(SessionOp::kGet));
static_assert(RAWKV_OP_EXISTS == static_cast<int>(SessionOp::kExists));
static_assert(RAWKV_OP_COMMIT == static_cast<int>(SessionOp::kCommit));
static_assert(RAWKV_OP_SYNC == static_cast<int>(SessionOp::kSync));

Status CheckReadSize(size_t read_size) {
  if (read_size == sizeof(rawkv_read)) return Status::Ok();
  return Status::InvalidArgument("the size of rawkv_read is " + std::to_string(sizeof(rawkv_read)) +
                                 ", not " + std::to_string(read_size));
}

int AnswerId(const Result<uint64_t>& submitted, uint64_t* id, char** error) {
  *id = submitted.ok() ? *submitted : 0;
  return Answer(submitted.status(), error);
}

// Puts answers, verdicts and the text of an error into one piece of memory.
void FillMemory(const SessionCompletion& done, const std::string& text, rawkv_completion& out) {
  const size_t answers = done.answers.size() * sizeof(rawkv_answer);
  const size_t existed = done.commit.existed.size() * sizeof(uint32_t);
  const size_t error = text.empty() ? 0 : text.size() + 1;
  if (answers + existed + error == 0) return;
  auto* const memory = static_cast<char*>(std::malloc(answers + existed + error));
  if (memory == nullptr) return;
  out.memory = memory;
  auto* const answer = reinterpret_cast<rawkv_answer*>(memory);
  for (size_t i = 0; i < done.answers.size(); ++i) {
    const SessionAnswer& from = done.answers[i];
    new (&answer[i]) rawkv_answer{.code = static_cast<int32_t>(from.status.code()),
                                  .reserved = 0,
                                  .size = from.bytes,
                                  .written_by = from.written_by.value()};
  }
  if (answers != 0) {
    out.answers = answer;
    out.answer_count = done.answers.size();
  }
  if (existed != 0) {
    std::memcpy(memory + answers, done.commit.existed.data(), existed);
    out.existed = reinterpret_cast<const uint32_t*>(memory + answers);
    out.existed_count = done.commit.existed.size();
  }
  if (error != 0) {
    std::memcpy(memory + answers + existed, text.c_str(), error);
    out.error = memory + answers + existed;
  }
}

}  // namespace
}  // namespace rawkv::c

using namespace rawkv;     // NOLINT: the functions below are outside of any namespace
using namespace rawkv::c;  // NOLINT

int rawkv_session_open(rawkv_engine* engine, const char* options, rawkv_session** session, char** error) {
  *session = nullptr;
  return Run(error, [&]() -> Status {
    SessionOptions session_options;
    OptionText text("rawkv_session_open");
    text.Count("operations_max", &session_options.operations_max);
    text.Count("bytes_in_flight_max", &session_options.bytes_in_flight_max);
    RAWKV_RETURN_IF_ERROR(text.Parse(options));
    auto handle = std::make_unique<rawkv_session>();
    RAWKV_ASSIGN_OR_RETURN(handle->session, engine->engine->OpenSession(session_options));
    *session = handle.release();
    return Status::Ok();
  });
}

void rawkv_session_close(rawkv_session* session) {
  delete session;
}

int rawkv_session_get(rawkv_session* session, const rawkv_read* reads, size_t read_size, size_t count,
                      uint64_t* id, char** error) {
  const Result<uint64_t> submitted = NoThrow([&]() -> Result<uint64_t> {
    RAWKV_RETURN_IF_ERROR(CheckReadSize(read_size));
    std::vector<SessionRead> copies;
    for (size_t i = 0; i < count; ++i) {
      copies.push_back({.key = AsView(reads[i].key, reads[i].key_size),
                        .out = c::AsBytes(reads[i].out, reads[i].out_size)});
    }
    return session->session->SubmitGet(copies);
  });
  return AnswerId(submitted, id, error);
}

int rawkv_session_exists(rawkv_session* session, const rawkv_read* reads, size_t read_size, size_t count,
                         uint64_t* id, char** error) {
  const Result<uint64_t> submitted = NoThrow([&]() -> Result<uint64_t> {
    RAWKV_RETURN_IF_ERROR(CheckReadSize(read_size));
    std::vector<std::string_view> keys;
    for (size_t i = 0; i < count; ++i) keys.push_back(AsView(reads[i].key, reads[i].key_size));
    return session->session->SubmitExists(keys);
  });
  return AnswerId(submitted, id, error);
}

int rawkv_session_commit(rawkv_session* session, rawkv_batch* batch, const rawkv_commit_options* options,
                         uint64_t* id, char** error) {
  const Result<uint64_t> submitted = NoThrow([&]() -> Result<uint64_t> {
    RAWKV_ASSIGN_OR_RETURN(const CommitOptions commit_options, CommitOptionsOf(options));
    return session->session->SubmitCommit(std::move(batch->batch), commit_options);
  });
  if (submitted.ok()) batch->batch.Clear();
  return AnswerId(submitted, id, error);
}

int rawkv_session_sync(rawkv_session* session, uint64_t* id, char** error) {
  return AnswerId(session->session->SubmitSync(), id, error);
}

int rawkv_session_register_memory(rawkv_session* session, void* memory, size_t size, char** error) {
  return Answer(session->session->RegisterMemory(c::AsBytes(memory, size)), error);
}

int rawkv_session_stats_json(rawkv_session* session, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    const SessionStats s = session->session->stats();
    return JsonText({{"accepted", s.accepted},
                     {"completed", s.completed},
                     {"refused", s.refused},
                     {"bytes_in_flight", s.bytes_in_flight},
                     {"reads_from_memory", s.reads_from_memory},
                     {"reads_on_a_thread", s.reads_on_a_thread},
                     {"direct_bytes", s.direct_bytes},
                     {"bounced_bytes", s.bounced_bytes},
                     {"registered_bytes", s.registered_bytes}});
  });
}

int rawkv_session_event_fd(const rawkv_session* session) {
  return session->session->event_fd();
}

int rawkv_session_wait(rawkv_session* session, int64_t timeout_ms) {
  return session->session->Wait(timeout_ms) ? 1 : 0;
}

size_t rawkv_session_drain(rawkv_session* session, rawkv_completion* out, size_t completion_size,
                           size_t count) {
  if (completion_size != sizeof(rawkv_completion)) return 0;
  size_t filled = 0;
  SessionCompletion done;
  while (filled < count && session->session->Drain(std::span(&done, 1)) == 1) {
    rawkv_completion& to = out[filled++];
    to = {.id = done.id,
          .op = static_cast<int32_t>(done.op),
          .code = static_cast<int32_t>(done.status.code()),
          .outcome = static_cast<int32_t>(done.commit.outcome)};
    if (done.op == SessionOp::kCommit && done.commit.ok()) to.version = done.commit.version.value();
    (void)NoThrow([&]() -> Status {
      FillMemory(done, done.status.ok() ? std::string() : done.status.ToString(), to);
      return {};
    });
  }
  return filled;
}
