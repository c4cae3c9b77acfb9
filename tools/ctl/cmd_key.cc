#include <fmt/format.h>

#include "tools/cli/base64.h"
#include "tools/cli/input.h"
#include "tools/cli/json_text.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/replace_file.h"
#include "tools/ctl/store_access.h"

namespace rawkv::ctl {
namespace {

// The key from KEY or --key_b64. Removes KEY from the arguments.
Result<std::string> TakeKey(Invocation& call) {
  std::string key;
  if (call.flags.key_b64.has_value()) {
    key = *call.flags.key_b64;
  } else {
    key = call.arguments.front();
    call.arguments.erase(call.arguments.begin());
  }
  if (key.empty()) return Status::InvalidArgument("a key must have at least one byte");
  return key;
}

Result<std::string> TakeValue(Invocation& call) {
  if (call.arguments.empty() == !call.flags.file.has_value()) {
    return Status::InvalidArgument("give either VALUE or --file=PATH ('' is an empty value)");
  }
  if (call.flags.file.has_value()) return ReadValueFile(*call.flags.file);
  return std::move(call.arguments.front());
}

Result<ExitStatus> CommitOne(Invocation& call, const WriteBatch& batch) {
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStore(call));
  RAWKV_ASSIGN_OR_RETURN(const Version version, CommitBatch(*engine, batch, {}));
  RAWKV_RETURN_IF_ERROR(PrintVersion(call, version));
  RAWKV_RETURN_IF_ERROR(engine->Close());
  return ExitStatus::kDone;
}

Result<Value> ReadOne(Invocation& call, const std::string& key) {
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  RAWKV_ASSIGN_OR_RETURN(auto view, OpenViewOf(*engine, call.flags));
  Result<Value> value = engine->Get(key, {.view = view.get()});
  view.reset();  // Close does not wait for open views
  if (value.ok()) RAWKV_RETURN_IF_ERROR(engine->Close());
  return value;
}

std::string ValueJson(const std::string& key, const Value& value) {
  OrderedJson row;
  SetKey(row, "key", key);
  row["size"] = value.bytes.size();
  row["version"] = value.written_by.value();
  row["value_b64"] = EncodeBase64(value.bytes);
  return JsonText(row);
}

}  // namespace

Result<ExitStatus> RunPut(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string key, TakeKey(call));
  RAWKV_RETURN_IF_ERROR(StoreDirOf(call.flags).status());  // checked before a value is read from a pipe
  RAWKV_ASSIGN_OR_RETURN(const std::string value, TakeValue(call));
  WriteBatch batch;
  batch.PutBorrowed(key, AsBytes(value));
  return CommitOne(call, batch);
}

Result<ExitStatus> RunDel(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string key, TakeKey(call));
  WriteBatch batch;
  batch.Delete(key);
  return CommitOne(call, batch);
}

Result<ExitStatus> RunGet(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const std::string key, TakeKey(call));
  const Result<Value> value = ReadOne(call, key);
  if (value.status().code() == StatusCode::kNotFound) {
    return Status::NotFound(fmt::format(
        "no key '{}'{}", EscapeKey(key),
        call.flags.version.has_value() ? fmt::format(" at version {}", call.flags.version->value()) : ""));
  }
  RAWKV_RETURN_IF_ERROR(value.status());
  if (call.flags.out.has_value()) RAWKV_RETURN_IF_ERROR(ReplaceFile(*call.flags.out, value->bytes));
  if (call.flags.json) {
    RAWKV_RETURN_IF_ERROR(call.out.Line(ValueJson(key, *value)));
  } else if (!call.flags.out.has_value()) {
    RAWKV_RETURN_IF_ERROR(call.out.Write(value->bytes));
  }
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
