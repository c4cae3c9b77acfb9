#include <fmt/format.h>

#include "base/base64.h"
#include "report/json_text.h"
#include "tools/cli/input.h"
#include "tools/cli/text_format.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/confirm.h"
#include "tools/ctl/key_selection.h"
#include "tools/ctl/replace_file.h"
#include "tools/ctl/store_access.h"
#include "tools/ctl/table.h"

namespace rawkv::ctl {
namespace {

Status CheckKey(std::string_view key) {
  return key.empty() ? Status::InvalidArgument("a key must have at least one byte") : Status::Ok();
}

// The key from KEY or --key_b64. Removes KEY from the arguments.
Result<std::string> TakeKey(Invocation& call) {
  std::string key;
  if (call.flags.key_b64.has_value()) {
    key = *call.flags.key_b64;
  } else if (!call.arguments.empty()) {
    key = call.arguments.front();
    call.arguments.erase(call.arguments.begin());
  } else {
    return Status::InvalidArgument("KEY is missing");
  }
  RAWKV_RETURN_IF_ERROR(CheckKey(key));
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
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return ExitStatus::kDone;
}

// The time of a commit in milliseconds since 1970; null if its record is no longer kept.
Result<OrderedJson> CommitTimeJson(Engine& engine, Version version) {
  const Result<CommitRecord> commit = engine.GetCommit(version);
  if (commit.status().code() == StatusCode::kVersionUnreachable) return OrderedJson(nullptr);
  if (!commit.ok()) return commit.status();
  return OrderedJson(commit->time_unix_ms);
}

Result<std::string> ValueJson(Engine& engine, const std::string& key, const Value& value) {
  OrderedJson row;
  SetKey(row, "key", key);
  row["size"] = value.bytes.size();
  row["version"] = value.written_by.value();
  row["value_b64"] = EncodeBase64(value.bytes);
  RAWKV_ASSIGN_OR_RETURN(row["time_unix_ms"], CommitTimeJson(engine, value.written_by));
  return JsonText(row);
}

// How `get` prints its values.
enum class GetForm { kRaw, kRow, kJson };

Status PrintValue(Invocation& call, Engine& engine, GetForm form, Table& table, const std::string& key,
                  const Value& value) {
  switch (form) {
    case GetForm::kJson: {
      RAWKV_ASSIGN_OR_RETURN(const std::string row, ValueJson(engine, key, value));
      return call.out.Line(row);
    }
    case GetForm::kRow:
      return table.Row({EscapeKey(key), EscapeKey(value.bytes)});
    case GetForm::kRaw:
      return call.flags.out.has_value() ? Status::Ok() : call.out.Write(value.bytes);
  }
  return Status::Ok();
}

// Prints the values of the keys, which all come from one version. kNotFound names the keys that are absent;
// the others are printed.
Status PrintValues(Invocation& call, Engine& engine, GetForm form, const std::vector<std::string>& keys) {
  RAWKV_ASSIGN_OR_RETURN(const auto view, OpenViewOf(call, engine));
  Table table(call.out, {{"KEY", 32}, {"VALUE", 1}});
  std::string absent;
  for (const std::string& key : keys) {
    const Result<Value> value = engine.Get(key, {.view = view.get()});
    if (value.ok()) {
      if (call.flags.out.has_value()) RAWKV_RETURN_IF_ERROR(ReplaceFile(*call.flags.out, value->bytes));
      RAWKV_RETURN_IF_ERROR(PrintValue(call, engine, form, table, key, *value));
    } else if (value.status().code() == StatusCode::kNotFound) {
      absent += fmt::format("{}'{}'", absent.empty() ? "" : ", ", EscapeKey(key));
    } else {
      return value.status();
    }
  }
  if (absent.empty()) return Status::Ok();
  const auto& version = call.flags.version;
  return Status::NotFound(fmt::format(
      "no key {}{}", absent, version.has_value() ? fmt::format(" at version {}", version->value()) : ""));
}

// The range of --prefix, or of --from and --to. kInvalidArgument without a complete range.
Result<IteratorOptions> RangeToDelete(const Invocation& call) {
  const Flags& flags = call.flags;
  const bool by_key = !call.arguments.empty() || flags.key_b64.has_value();
  const bool by_bounds = flags.from.has_value() && flags.to.has_value();
  if (by_key || flags.prefix.has_value() == (flags.from.has_value() || flags.to.has_value()) ||
      (!flags.prefix.has_value() && !by_bounds)) {
    return Status::InvalidArgument(
        "give either KEY, or --prefix=P, or both --from=A and --to=B (--to='' is the end)");
  }
  return SelectedKeys(flags);
}

Result<uint64_t> CountKeys(Invocation& call, Engine& engine, const IteratorOptions& range) {
  RAWKV_ASSIGN_OR_RETURN(const auto iterator, engine.NewIterator(range));
  uint64_t keys = 0;
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    call.progress.Report({.what = "count", .done = ++keys, .unit = "keys"});
  }
  call.progress.Wipe();
  RAWKV_RETURN_IF_ERROR(iterator->status());
  return keys;
}

// Commits the deletion of a range in one version, after a confirmation if it holds keys.
Result<ExitStatus> DeleteRange(Invocation& call) {
  RAWKV_ASSIGN_OR_RETURN(const IteratorOptions range, RangeToDelete(call));
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStore(call));
  RAWKV_ASSIGN_OR_RETURN(const uint64_t keys, CountKeys(call, *engine, range));
  if (keys > 0) {
    const std::string plan = "deletes " + Counted(keys, "key");
    RAWKV_RETURN_IF_ERROR(Confirm(call, plan + ".\n", "A rollback brings them back.").WithContext(plan));
  }
  WriteBatch batch;
  if (call.flags.prefix.has_value()) {
    batch.DeletePrefix(range.prefix);
  } else {
    batch.DeleteRange(range.lower, range.upper);
  }
  RAWKV_ASSIGN_OR_RETURN(const Version version, CommitBatch(*engine, batch, {}));
  RAWKV_RETURN_IF_ERROR(call.out.Line(call.flags.json
                                          ? JsonText({{"version", version.value()}, {"keys", keys}})
                                          : fmt::format("{}\t{}", version.value(), keys)));
  RAWKV_RETURN_IF_ERROR(call.out.Flush());
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return ExitStatus::kDone;
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
  const Flags& flags = call.flags;
  if (flags.prefix.has_value() || flags.from.has_value() || flags.to.has_value()) return DeleteRange(call);
  if (flags.yes) return Status::InvalidArgument("--yes needs --prefix, or --from and --to");
  RAWKV_ASSIGN_OR_RETURN(const std::string key, TakeKey(call));
  WriteBatch batch;
  batch.Delete(key);
  return CommitOne(call, batch);
}

Result<ExitStatus> RunGet(Invocation& call) {
  std::vector<std::string> keys = std::move(call.arguments);
  if (call.flags.key_b64.has_value()) keys.push_back(*call.flags.key_b64);
  for (const std::string& key : keys) RAWKV_RETURN_IF_ERROR(CheckKey(key));
  if (keys.size() > 1 && call.flags.out.has_value()) {
    return Status::InvalidArgument("--out takes the value of one key; get several with --json");
  }
  const GetForm form = call.flags.json ? GetForm::kJson : keys.size() == 1 ? GetForm::kRaw : GetForm::kRow;
  RAWKV_ASSIGN_OR_RETURN(const auto engine, OpenStoreToRead(call));
  RAWKV_RETURN_IF_ERROR(PrintValues(call, *engine, form, keys));
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return ExitStatus::kDone;
}

}  // namespace rawkv::ctl
