#include "report/json_text.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/key_selection.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

// A line of a dump is one change set of `apply`, and its record must fit the smallest log segment (64 KiB).
// An entry that is larger than this bound stands alone in its line.
constexpr uint64_t kLineBytes = 32u << 10;
// What an entry takes in a record besides its bytes, at most. So a line has a bound for its keys, too.
constexpr uint64_t kEntryBytes = 64;

// Collects entries and prints them as lines {"put":[{"key":…,"value":…},…]}.
class DumpWriter {
 public:
  explicit DumpWriter(Output& out) : out_(out) {}

  Status Add(std::string_view key, std::string_view value) {
    const uint64_t bytes = kEntryBytes + key.size() + value.size();
    if (line_bytes_ + bytes > kLineBytes) RAWKV_RETURN_IF_ERROR(EndLine());
    OrderedJson put;
    SetKey(put, "key", key);
    SetKey(put, "value", value);
    RAWKV_RETURN_IF_ERROR(out_.Write(line_bytes_ == 0 ? "{\"put\":[" : ","));
    line_bytes_ += bytes;
    return out_.Write(JsonText(put));
  }

  Status EndLine() {
    if (line_bytes_ == 0) return Status::Ok();
    line_bytes_ = 0;
    return out_.Line("]}");
  }

 private:
  Output& out_;
  uint64_t line_bytes_ = 0;  // of the entries in the line that is not finished
};

Status Dump(Invocation& call, Iterator& at, uint64_t bytes_total) {
  DumpWriter writer(call.out);
  const ProgressFn progress =
      WithTotal([&call](const Progress& done) { call.ReportRows(done); }, bytes_total);
  uint64_t bytes = 0;
  for (at.SeekToFirst(); at.Valid(); at.Next()) {
    RAWKV_ASSIGN_OR_RETURN(const std::string value, at.ReadValue());
    RAWKV_RETURN_IF_ERROR(writer.Add(at.key(), value));
    bytes += value.size();
    progress({.what = "dump", .done = bytes, .unit = "bytes"});
  }
  RAWKV_RETURN_IF_ERROR(at.status());
  return writer.EndLine();
}

}  // namespace

Result<ExitStatus> RunDump(Invocation& call) {
  RAWKV_RETURN_IF_ERROR(SelectedKeys(call.flags).status());
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  {
    RAWKV_ASSIGN_OR_RETURN(const auto iterator, OpenSelection(call, *engine));
    // The size of a part of the keys is not known.
    const bool everything =
        !call.flags.prefix.has_value() && !call.flags.from.has_value() && !call.flags.to.has_value();
    const uint64_t total = everything ? EstimateReads(call, *engine).tip_bytes : 0;
    RAWKV_RETURN_IF_ERROR(Dump(call, *iterator, total));
  }  // views and iterators must be destroyed before Close
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
