// The batches and commits of the C interface.

#include <new>

#include "bindings/c/handles.h"
#include "bindings/c/packed.h"

namespace rawkv::c {

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
void rawkv_batch_delete_prefix(rawkv_batch* batch, const void* prefix, size_t prefix_size) {
  batch->batch.DeletePrefix(AsView(prefix, prefix_size));
}
void rawkv_batch_set_metadata(rawkv_batch* batch, const void* metadata, size_t size) {
  batch->batch.SetMetadata(AsView(metadata, size));
}

int rawkv_batch_append(rawkv_batch* batch, const void* memory, size_t size, char** error) {
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const std::vector<PackedOperation> operations,
                           UnpackOperations(AsView(memory, size)));
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
