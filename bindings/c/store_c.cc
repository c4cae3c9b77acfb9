// The calls of the C interface on a store, except sessions.

#include <algorithm>
#include <cstddef>

#include "bindings/c/handles.h"
#include "bindings/c/option_text.h"
#include "engine/transfer/transfer.h"

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

Status ParseDurability(std::string_view value, Durability* out) {
  if (value != "synced" && value != "unsafe_unsynced") {
    return Status::InvalidArgument("must be synced or unsafe_unsynced");
  }
  *out = value == "synced" ? Durability::kSynced : Durability::kUnsafeUnsynced;
  return Status::Ok();
}

Status ParseFormat(const char* text, FormatOptions* out) {
  uint64_t initial = 0;
  OptionText options("rawkv_format");
  options.Text("device", &out->device).Count("capacity", &out->capacity_bytes);
  options.Count("slot_bytes", &out->slot_bytes).Count("header_bytes", &out->header_bytes);
  options.Count("inline_bytes", &out->inline_bytes).Count("initial_version", &initial);
  options.Flag("force", &out->force).Count("snapshot_interval", &out->runtime.snapshot_interval);
  options.Count("keep_recent", &out->runtime.keep_recent).Count("undo_versions", &out->runtime.undo_versions);
  options.Count("keep_for_seconds", &out->runtime.keep_for_seconds);
  options.Count("wal_segment_bytes", &out->runtime.wal_segment_bytes);
  options.Set("durability",
              [out](std::string_view value) { return ParseDurability(value, &out->runtime.durability); });
  RAWKV_RETURN_IF_ERROR(options.Parse(text));
  out->initial_version = Version(initial);
  return Status::Ok();
}

Status ParseOpen(const char* text, OpenOptions* out) {
  OptionText options("rawkv_open");
  options.Text("device", &out->device).Count("queue_depth", &out->queue_depth);
  options.Flag("read_only", &out->read_only).Count("lock_wait_ms", &out->lock_wait_ms);
  options.Count("memtable_bytes", &out->memtable_bytes).Count("block_cache_bytes", &out->block_cache_bytes);
  options.Count("group_bytes_max", &out->group_bytes_max).Flag("discard_freed", &out->discard_freed);
  SettingsChange& set = out->settings;
  options.Count("snapshot_interval", &set.snapshot_interval).Count("keep_recent", &set.keep_recent);
  options.Count("keep_for_seconds", &set.keep_for_seconds).Count("undo_versions", &set.undo_versions);
  options.Count("wal_segment_bytes", &set.wal_segment_bytes);
  options.Set("engine", [out](std::string_view value) -> Status {
    RAWKV_ASSIGN_OR_RETURN(out->engine, ParseIoEngine(value));
    return Status::Ok();
  });
  options.Set("durability", [out](std::string_view value) -> Status {
    out->settings.durability.emplace();
    return ParseDurability(value, &*out->settings.durability);
  });
  return options.Parse(text);
}

std::string StatsJson(const EngineStats& s, const Engine& engine) {
  std::string out = "{";
  const auto add = [&](const char* name, uint64_t value) {
    out += (out.size() == 1 ? "\"" : ",\"") + std::string(name) + "\":" + std::to_string(value);
  };
  add("version", engine.version().value());
  add("durable_version", engine.durable_version().value());
  add("commits", s.commits);
  add("groups", s.groups);
  add("user_bytes_written", s.user_bytes_written);
  add("log_bytes_written", s.log_bytes_written);
  add("device_bytes_written", s.device_bytes_written);
  add("device_bytes_read", s.device_bytes_read);
  add("device_flushes", s.device_flushes);
  add("gets", s.gets);
  add("snapshots_made", s.snapshots_made);
  add("slots_reclaimed", s.slots_reclaimed);
  add("versions_given_up", s.versions_given_up);
  add("index_flushes", s.index_flushes);
  add("views_built", s.views_built);
  add("views_shared", s.views_shared);
  add("replay_bytes_per_second", s.replay_bytes_per_second);
  return out + "}";
}

// One operation of rawkv_batch_append.
struct PackedOperation {
  uint8_t kind = 0, flags = 0;
  std::string_view key, value;
};

Result<PackedOperation> TakeOperation(std::string_view& rest) {
  constexpr size_t kHeader = 16;
  if (rest.size() < kHeader) return Status::InvalidArgument("the memory ends inside an operation");
  const auto number = [&](size_t at, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = bytes; i > 0; --i) value = value << 8 | static_cast<uint8_t>(rest[at + i - 1]);
    return value;
  };
  PackedOperation op{.kind = static_cast<uint8_t>(rest[0]), .flags = static_cast<uint8_t>(rest[1])};
  const uint64_t reserved = number(2, 2), key_bytes = number(4, 4), value_bytes = number(8, 8);
  rest.remove_prefix(kHeader);
  if (op.kind < 1 || op.kind > 3 || reserved != 0 || (op.flags & ~(RAWKV_IF_ABSENT | RAWKV_BORROW)) != 0 ||
      (op.kind != 1 && op.flags != 0) || (op.kind == 2 && value_bytes != 0)) {
    return Status::InvalidArgument("an operation has a wrong kind, flag or size");
  }
  if (key_bytes > rest.size() || value_bytes > rest.size() - key_bytes) {
    return Status::InvalidArgument("the memory ends inside an operation");
  }
  op.key = rest.substr(0, key_bytes);
  op.value = rest.substr(key_bytes, value_bytes);
  rest.remove_prefix(key_bytes + value_bytes);
  return op;
}

}  // namespace

Result<CommitOptions> CommitOptionsOf(const rawkv_commit_options* options) {
  CommitOptions out;
  if (options == nullptr) return out;
  constexpr uint32_t kKnown = RAWKV_EXPECT_VERSION | RAWKV_SYNCED | RAWKV_UNSYNCED;
  const uint32_t flags = options->flags;
  if (options->struct_size < sizeof(rawkv_commit_options) || (flags & ~kKnown) != 0 ||
      (flags & (RAWKV_SYNCED | RAWKV_UNSYNCED)) == (RAWKV_SYNCED | RAWKV_UNSYNCED)) {
    return Status::InvalidArgument("rawkv_commit_options: a wrong struct_size or flag");
  }
  if ((flags & RAWKV_EXPECT_VERSION) != 0) out.expected_version = Version(options->expected_version);
  if ((flags & RAWKV_SYNCED) != 0) out.durability = Durability::kSynced;
  if ((flags & RAWKV_UNSYNCED) != 0) out.durability = Durability::kUnsafeUnsynced;
  return out;
}

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
    FormatOptions format;
    RAWKV_RETURN_IF_ERROR(ParseFormat(options, &format));
    return Engine::Format(dir, format).status();
  });
}

int rawkv_open(const char* dir, const char* options, rawkv_engine** engine, char** error) {
  *engine = nullptr;
  return Run(error, [&]() -> Status {
    OpenOptions open;
    RAWKV_RETURN_IF_ERROR(ParseOpen(options, &open));
    auto handle = std::make_unique<rawkv_engine>();
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
  return Answer(engine->engine->Sync(), error);
}

int rawkv_stats_json(rawkv_engine* engine, char** json, char** error) {
  *json = nullptr;
  return Run(error, [&]() -> Status {
    *json = ::strdup(StatsJson(engine->engine->stats(), *engine->engine).c_str());
    return *json != nullptr ? Status::Ok() : Status::IoError("out of memory");
  });
}

int rawkv_get(rawkv_engine* engine, const rawkv_view* view, const void* key, size_t key_size, void* out,
              size_t out_size, size_t* size, char** error) {
  *size = 0;
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(
        *size, engine->engine->GetInto(AsView(key, key_size), c::AsBytes(out, out_size), OptionsFor(view)));
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

int rawkv_view_open(rawkv_engine* engine, uint64_t version, rawkv_view** view, char** error) {
  *view = nullptr;
  return Run(error, [&]() -> Status {
    auto handle = std::make_unique<rawkv_view>();
    RAWKV_ASSIGN_OR_RETURN(
        handle->view,
        engine->engine->OpenView(version == RAWKV_TIP ? std::nullopt : std::optional(Version(version))));
    *view = handle.release();
    return Status::Ok();
  });
}
uint64_t rawkv_view_version(const rawkv_view* view) {
  return view->view->version().value();
}
void rawkv_view_close(rawkv_view* view) {
  delete view;
}

int rawkv_iterator_open(rawkv_engine* engine, const rawkv_view* view, const void* lower, size_t lower_size,
                        const void* upper, size_t upper_size, rawkv_iterator** iterator, char** error) {
  *iterator = nullptr;
  return Run(error, [&]() -> Status {
    IteratorOptions options;
    if (view != nullptr) options.view = view->view;
    if (lower != nullptr) options.lower = AsView(lower, lower_size);
    if (upper != nullptr) options.upper = AsView(upper, upper_size);
    auto handle = std::make_unique<rawkv_iterator>();
    RAWKV_ASSIGN_OR_RETURN(handle->iterator, engine->engine->NewIterator(options));
    *iterator = handle.release();
    return Status::Ok();
  });
}
void rawkv_iterator_close(rawkv_iterator* iterator) {
  delete iterator;
}
void rawkv_iterator_first(rawkv_iterator* iterator) {
  iterator->iterator->SeekToFirst();
}
void rawkv_iterator_last(rawkv_iterator* iterator) {
  iterator->iterator->SeekToLast();
}
void rawkv_iterator_seek(rawkv_iterator* iterator, const void* key, size_t key_size) {
  iterator->iterator->Seek(AsView(key, key_size));
}
int rawkv_iterator_valid(const rawkv_iterator* iterator) {
  return iterator->iterator->Valid() ? 1 : 0;
}
void rawkv_iterator_next(rawkv_iterator* iterator) {
  if (iterator->iterator->Valid()) iterator->iterator->Next();
}
void rawkv_iterator_prev(rawkv_iterator* iterator) {
  if (iterator->iterator->Valid()) iterator->iterator->Prev();
}
const void* rawkv_iterator_key(const rawkv_iterator* iterator, size_t* size) {
  const std::string_view key = iterator->iterator->Valid() ? iterator->iterator->key() : std::string_view();
  *size = key.size();
  return key.data();
}
int rawkv_iterator_value(const rawkv_iterator* iterator, void** value, size_t* size, char** error) {
  *value = nullptr;
  *size = 0;
  return Run(error, [&]() -> Status {
    if (!iterator->iterator->Valid()) return Status::FailedPrecondition("the iterator is at no entry");
    RAWKV_ASSIGN_OR_RETURN(const std::string bytes, iterator->iterator->ReadValue());
    *value = CopyOf(bytes.data(), bytes.size());
    if (*value == nullptr) return Status::IoError("out of memory");
    *size = bytes.size();
    return Status::Ok();
  });
}
int rawkv_iterator_status(const rawkv_iterator* iterator, char** error) {
  return Answer(iterator->iterator->status(), error);
}

rawkv_batch* rawkv_batch_new(void) {
  return new (std::nothrow) rawkv_batch;
}
void rawkv_batch_free(rawkv_batch* batch) {
  delete batch;
}
void rawkv_batch_clear(rawkv_batch* batch) {
  batch->batch.Clear();
}
size_t rawkv_batch_count(const rawkv_batch* batch) {
  return batch->batch.size();
}
void rawkv_batch_put(rawkv_batch* batch, const void* key, size_t key_size, const void* value,
                     size_t value_size, uint32_t flags) {
  const std::string_view name = AsView(key, key_size), bytes = AsView(value, value_size);
  WriteBatch& out = batch->batch;
  const bool if_absent = (flags & RAWKV_IF_ABSENT) != 0;
  if ((flags & RAWKV_BORROW) != 0) {
    if_absent ? out.PutBorrowedIfAbsent(name, rawkv::AsBytes(bytes))
              : out.PutBorrowed(name, rawkv::AsBytes(bytes));
  } else {
    if_absent ? out.PutIfAbsent(name, bytes) : out.Put(name, bytes);
  }
}
void rawkv_batch_delete(rawkv_batch* batch, const void* key, size_t key_size) {
  batch->batch.Delete(AsView(key, key_size));
}
void rawkv_batch_delete_range(rawkv_batch* batch, const void* begin, size_t begin_size, const void* end,
                              size_t end_size) {
  batch->batch.DeleteRange(AsView(begin, begin_size), AsView(end, end_size));
}
void rawkv_batch_set_metadata(rawkv_batch* batch, const void* metadata, size_t size) {
  batch->batch.SetMetadata(AsView(metadata, size));
}

int rawkv_batch_append(rawkv_batch* batch, const void* memory, size_t size, char** error) {
  return Run(error, [&]() -> Status {
    std::vector<PackedOperation> operations;
    for (std::string_view rest = AsView(memory, size); !rest.empty();) {
      RAWKV_ASSIGN_OR_RETURN(const PackedOperation op, TakeOperation(rest));
      operations.push_back(op);
    }
    for (const PackedOperation& op : operations) {
      if (op.kind == 1) {
        rawkv_batch_put(batch, op.key.data(), op.key.size(), op.value.data(), op.value.size(), op.flags);
      } else if (op.kind == 2) {
        batch->batch.Delete(op.key);
      } else {
        batch->batch.DeleteRange(op.key, op.value);
      }
    }
    return Status::Ok();
  });
}

int rawkv_commit(rawkv_engine* engine, const rawkv_batch* batch, const rawkv_commit_options* options,
                 rawkv_commit_result* result, char** error) {
  if (result != nullptr) {
    const size_t struct_size = result->struct_size;
    if (struct_size < sizeof(rawkv_commit_result)) {
      return Answer(Status::InvalidArgument("rawkv_commit_result: a wrong struct_size"), error);
    }
    *result = {.struct_size = struct_size, .outcome = RAWKV_NOT_APPLIED};
  }
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const CommitOptions commit_options, CommitOptionsOf(options));
    const CommitResult done = engine->engine->Commit(batch->batch, commit_options);
    if (result == nullptr) return done.status;
    result->outcome = static_cast<int32_t>(done.outcome);
    if (done.ok()) result->version = done.version.value();
    if (!done.existed.empty()) {
      result->existed =
          static_cast<uint32_t*>(CopyOf(done.existed.data(), done.existed.size() * sizeof(uint32_t)));
      if (result->existed == nullptr)
        return Status::IoError("out of memory for the result of an applied commit");
      result->existed_count = done.existed.size();
    }
    return done.status;
  });
}

int rawkv_snapshot(rawkv_engine* engine, uint64_t* version, char** error) {
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const Version made, engine->engine->CreateSnapshot());
    if (version != nullptr) *version = made.value();
    return Status::Ok();
  });
}
int rawkv_pin(rawkv_engine* engine, const char* name, uint64_t version, uint64_t* pinned, char** error) {
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(
        const Version held,
        engine->engine->Pin(name, version == RAWKV_TIP ? std::nullopt : std::optional(Version(version))));
    if (pinned != nullptr) *pinned = held.value();
    return Status::Ok();
  });
}
int rawkv_unpin(rawkv_engine* engine, const char* name, char** error) {
  return Run(error, [&] { return engine->engine->Unpin(name); });
}
int rawkv_rollback(rawkv_engine* engine, uint64_t target, uint32_t flags, char** error) {
  return Run(error, [&]() -> Status {
    if ((flags & ~RAWKV_DROP_PINS) != 0) return Status::InvalidArgument("rawkv_rollback: an unknown flag");
    return engine->engine->Rollback(Version(target), {.drop_pins = (flags & RAWKV_DROP_PINS) != 0});
  });
}
int rawkv_export(rawkv_engine* engine, uint64_t version, const char* dir, char** error) {
  return Run(error, [&] {
    return engine->engine->Export(
        {.version = version == RAWKV_TIP ? engine->engine->version() : Version(version), .out = dir});
  });
}
int rawkv_import(const char* export_dir, const char* dir, const char* options, char** error) {
  return Run(error, [&]() -> Status {
    ImportOptions import{.in = export_dir, .format = {}, .progress = {}};
    RAWKV_RETURN_IF_ERROR(OptionText("rawkv_import")
                              .Text("device", &import.format.device)
                              .Flag("force", &import.format.force)
                              .Parse(options));
    return ImportStore(dir, import).status();
  });
}
