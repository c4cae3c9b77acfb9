// The views and iterators of the C interface.

#include "bindings/c/handles.h"
#include "bindings/c/packed.h"

namespace rawkv::c {
namespace {

// Size of the present entry in the layout of rawkv_iterator_next_many, if its value can be read.
uint64_t EntryBytes(const Iterator& it, uint32_t flags) {
  return kPackedEntryHead + it.key().size() + ((flags & RAWKV_KEYS_ONLY) != 0 ? 0 : it.value_bytes());
}

// Returns the size of the entry. A value that cannot be read leaves its code.
size_t PutEntry(const Iterator& it, uint32_t flags, Bytes out) {
  PackedEntry entry{.key = it.key(), .value_bytes = it.value_bytes(), .written_by = it.written_by()};
  if ((flags & RAWKV_KEYS_ONLY) != 0) return PackEntry(entry, out);
  const Result<std::string> value = it.ReadValue();
  entry.code = static_cast<int32_t>(value.status().code());
  if (value.ok()) entry.value = *value;
  return PackEntry(entry, out);
}

}  // namespace
}  // namespace rawkv::c

using namespace rawkv;     // NOLINT: the functions below are outside of any namespace
using namespace rawkv::c;  // NOLINT

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
uint64_t rawkv_iterator_value_size(const rawkv_iterator* iterator) {
  return iterator->iterator->Valid() ? iterator->iterator->value_bytes() : 0;
}
uint64_t rawkv_iterator_written_by(const rawkv_iterator* iterator) {
  return iterator->iterator->Valid() ? iterator->iterator->written_by().value() : 0;
}
int rawkv_iterator_next_many(rawkv_iterator* iterator, void* out, size_t out_size, uint32_t flags,
                             size_t* size, size_t* count, char** error) {
  *size = *count = 0;
  return Run(error, [&]() -> Status {
    if ((flags & ~(RAWKV_KEYS_ONLY | RAWKV_BACKWARDS)) != 0) {
      return Status::InvalidArgument("rawkv_iterator_next_many: an unknown flag");
    }
    Iterator& it = *iterator->iterator;
    Bytes room = c::AsBytes(out, out_size);
    while (it.Valid()) {
      const uint64_t wanted = EntryBytes(it, flags);
      if (wanted > room.size()) {
        if (*count != 0) return Status::Ok();
        *size = wanted;
        return Status::InvalidArgument("the entry has " + std::to_string(wanted) + " bytes, the memory " +
                                       std::to_string(room.size()));
      }
      room = room.subspan(PutEntry(it, flags, room));
      *size = out_size - room.size();
      ++*count;
      (flags & RAWKV_BACKWARDS) != 0 ? it.Prev() : it.Next();
    }
    // An error that ended the walk waits for the call that finds no entry.
    return *count != 0 ? Status::Ok() : it.status();
  });
}
int rawkv_iterator_status(const rawkv_iterator* iterator, char** error) {
  return Answer(iterator->iterator->status(), error);
}
