// The export and import of the C interface, whole and by chunk.

#include <cstring>

#include "bindings/c/handles.h"
#include "bindings/c/option_text.h"
#include "bindings/c/store_options.h"
#include "engine/transfer/transfer.h"

static_assert(RAWKV_CHUNK_BYTES_MAX == rawkv::kMaxTransferChunkBytes);

using namespace rawkv;     // NOLINT: the functions below are outside of any namespace
using namespace rawkv::c;  // NOLINT

int rawkv_export(rawkv_engine* engine, uint64_t version, const char* dir, char** error) {
  return rawkv_export_with(engine, version, dir, nullptr, error);
}

int rawkv_export_with(rawkv_engine* engine, uint64_t version, const char* dir, const char* options,
                      char** error) {
  return Run(error, [&]() -> Status {
    ExportOptions out{.version = VersionOrTip(version).value_or(engine->engine->version()), .out = dir};
    RAWKV_RETURN_IF_ERROR(
        OptionText("rawkv_export_with").Count("chunk_bytes", &out.chunk_bytes).Parse(options));
    return engine->engine->Export(out);
  });
}

int rawkv_import(const char* export_dir, const char* dir, const char* options, char** error) {
  return Run(error, [&]() -> Status {
    ImportOptions import{.in = export_dir, .format = {}, .progress = {}};
    FormatOptions& format = import.format;
    OptionText text("rawkv_import");
    text.Text("device", &format.device).Count("capacity", &format.capacity_bytes);
    text.Count("slot_bytes", &format.slot_bytes).Count("header_bytes", &format.header_bytes);
    text.Count("inline_bytes", &format.inline_bytes).Flag("force", &format.force);
    text.Flag("preallocate", &format.preallocate);
    text.Count("meta_total_bytes", &format.meta_total_bytes);
    AddLog(text, &format.env);
    RAWKV_RETURN_IF_ERROR(text.Parse(options));
    return ImportStore(dir, import).status();
  });
}

int rawkv_chunk_reader_open(const char* export_dir, rawkv_chunk_reader** reader, char** error) {
  *reader = nullptr;
  return Run(error, [&]() -> Status {
    auto handle = std::make_unique<rawkv_chunk_reader>();
    RAWKV_ASSIGN_OR_RETURN(handle->reader, ExportReader::Open(export_dir));
    *reader = handle.release();
    return Status::Ok();
  });
}
void rawkv_chunk_reader_close(rawkv_chunk_reader* reader) {
  delete reader;
}

int rawkv_chunk_reader_summary(const rawkv_chunk_reader* reader, rawkv_export_summary* summary,
                               char** error) {
  const size_t struct_size = summary->struct_size;
  if (struct_size < sizeof(rawkv_export_summary)) {
    return Answer(Status::InvalidArgument("rawkv_export_summary: a wrong struct_size"), error);
  }
  const ExportSummary& from = reader->reader->summary();
  *summary = {.struct_size = struct_size,
              .version = from.version.value(),
              .chunk_count = from.chunk_count,
              .chunk_bytes_max = from.chunk_bytes_max,
              .bytes = from.bytes,
              .hash = {}};
  static_assert(sizeof(summary->hash) == std::tuple_size_v<decltype(from.hash)>);
  std::memcpy(summary->hash, from.hash.data(), sizeof(summary->hash));
  return Answer(Status::Ok(), error);
}

int rawkv_chunk_read(rawkv_chunk_reader* reader, uint64_t number, void* out, size_t out_size, size_t* size,
                     char** error) {
  *size = 0;
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(*size, reader->reader->Read(number, c::AsBytes(out, out_size)));
    return Status::Ok();
  });
}

int rawkv_chunk_receiver_open(const char* dir, const void* hash, size_t hash_size,
                              rawkv_chunk_receiver** receiver, char** error) {
  *receiver = nullptr;
  return Run(error, [&]() -> Status {
    std::array<std::byte, 32> expected{};
    if (hash_size != expected.size()) {
      return Status::InvalidArgument("rawkv_chunk_receiver_open: a hash has 32 bytes, not " +
                                     std::to_string(hash_size));
    }
    std::memcpy(expected.data(), hash, expected.size());
    auto handle = std::make_unique<rawkv_chunk_receiver>();
    RAWKV_ASSIGN_OR_RETURN(handle->receiver, ExportReceiver::Open(dir, expected));
    *receiver = handle.release();
    return Status::Ok();
  });
}
void rawkv_chunk_receiver_close(rawkv_chunk_receiver* receiver) {
  delete receiver;
}

int rawkv_chunk_add(rawkv_chunk_receiver* receiver, uint64_t number, const void* bytes, size_t size,
                    char** error) {
  return Run(error, [&] { return receiver->receiver->Add(number, rawkv::AsBytes(AsView(bytes, size))); });
}
int rawkv_chunk_receiver_complete(const rawkv_chunk_receiver* receiver) {
  return receiver->receiver->complete() ? 1 : 0;
}
size_t rawkv_chunk_receiver_missing(const rawkv_chunk_receiver* receiver, uint64_t* numbers, size_t count) {
  size_t found = 0;
  (void)NoThrow([&]() -> Status {
    for (const uint64_t number : receiver->receiver->Missing(count)) numbers[found++] = number;
    return {};
  });
  return found;
}
