#include "engine/format/format_dir.h"

#include <algorithm>
#include <string_view>

#include "base/fs_ops.h"

namespace rawkv {
namespace {

constexpr uint64_t kMaxMarkBytes = 4096;
constexpr std::string_view kStoreLine = "store ";
constexpr std::string_view kDeviceMadeLine = "\ndevice made\n";

// Whether a claim that was interrupted before its mark may have left this file.
bool IsClaimLeftover(std::string_view name) {
  return name == "LOCK" || name == "FORMATTING.tmp" || name == "IMPORTING.tmp" || name == "REBUILDING.tmp";
}

}  // namespace

Result<FormatDir::Content> FormatDir::Inspect(Fs& fs, const std::string& dir) {
  const Result<FileStat> stat = fs.Stat(dir);
  if (stat.status().code() == StatusCode::kNotFound) return Content::kAbsent;
  if (!stat.ok()) return stat.status();
  if (stat->kind != FileKind::kDirectory) return Status::FailedPrecondition(dir + " is not a directory");
  RAWKV_ASSIGN_OR_RETURN(std::vector<std::string> names, fs.List(dir));
  const auto has = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (has("STORE") || has("STORE-COPY")) return Content::kStore;
  if (has("REBUILDING")) return Content::kRebuild;
  if (has("IMPORTING")) return Content::kImport;
  if (has("FORMATTING")) return Content::kFormat;
  std::erase_if(
      names, [&](const std::string& name) { return IsClaimLeftover(name) || IsLostAndFound(fs, dir, name); });
  if (names.empty()) return Content::kEmpty;
  const bool all_of_a_store = std::all_of(names.begin(), names.end(), [](const std::string& name) {
    return IsStoreName(name) || name == "device.img";
  });
  return all_of_a_store && has("wal") ? Content::kParts : Content::kForeign;
}

Status FormatDir::CheckClaimable(Content found, const std::string& dir, const Request& request) {
  const bool import = request.maker == StoreMaker::kImport;
  const bool rebuild = request.maker == StoreMaker::kRebuild;
  const bool destroys = request.maker == StoreMaker::kFormat && request.force;
  switch (found) {
    case Content::kAbsent:
    case Content::kEmpty:
      return Status::Ok();
    case Content::kFormat:
      if (!rebuild) return Status::Ok();
      return Status::FailedPrecondition(dir + " holds an unfinished format; remove it first");
    case Content::kRebuild:
      if (rebuild || destroys) return Status::Ok();
      return Status::FailedPrecondition(dir + " holds an unfinished rebuild; rebuild again, or remove it");
    case Content::kImport:
      if (import || destroys) return Status::Ok();
      if (rebuild) return Status::FailedPrecondition(dir + " holds an unfinished import; remove it first");
      return Status::FailedPrecondition(
          dir + " holds an unfinished import; import again, or use --force to destroy it");
    case Content::kStore:
      if (destroys) return Status::Ok();
      return Status::FailedPrecondition(
          dir + (import    ? " holds a store already; import makes a new one"
                 : rebuild ? " holds a store already; rebuild makes a new directory, so name another one"
                           : " holds a store already; use --force to destroy it"));
    case Content::kParts:
      if (destroys) return Status::Ok();
      return Status::FailedPrecondition(
          dir +
          " is not empty: it holds parts of a store without STORE; `rawkv-ctl fsck --repair` makes STORE "
          "from "
          "the device; otherwise name another directory, or destroy them with `rawkv-ctl format --force`");
    case Content::kForeign:
      return Status::FailedPrecondition(dir + " is not empty and holds no store; name another directory");
  }
  return Status::Internal("unknown content of " + dir);
}

Result<std::unique_ptr<FormatDir>> FormatDir::Claim(Fs& fs, Clock& clock, const std::string& dir,
                                                    const Request& request) {
  RAWKV_ASSIGN_OR_RETURN(Content found, Inspect(fs, dir));
  RAWKV_RETURN_IF_ERROR(CheckClaimable(found, dir, request));
  std::unique_ptr<FormatDir> out(new FormatDir(fs, dir, request));
  if (found == Content::kAbsent) {
    const Status made = MakeDirSynced(fs, dir);
    out->made_dir_ = made.ok();
    // If another process has just made the directory, the lock decides between the two.
    if (!made.ok() && made.code() != StatusCode::kFailedPrecondition) return made;
  }
  Result<std::unique_ptr<StoreLock>> lock = StoreLock::Acquire(fs, clock, dir);
  if (!lock.ok()) {
    if (lock.status().code() != StatusCode::kBusy && out->made_dir_) out->RemoveMadeDir();
    if (lock.status().code() != StatusCode::kNotFound) return lock.status();
    return Status::Busy(dir + " was removed by another process at this moment; try again");
  }
  out->lock_ = *std::move(lock);
  // Again under the lock: another process may have finished in between.
  const Status claimed = [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(found, Inspect(fs, dir));
    RAWKV_RETURN_IF_ERROR(CheckClaimable(found, dir, request));
    out->holds_others_ = found == Content::kStore || found == Content::kParts;
    return out->WriteNewMark(found, request);
  }();
  if (claimed.ok()) return out;
  (void)out->Abandon({});  // the first error is the one to report
  return claimed;
}

void FormatDir::RemoveMadeDir() {
  // LOCK may exist although it could not be locked. Removes it only if no other process has locked it.
  const Result<std::unique_ptr<FileLock>> lock = fs_.Lock(paths_.lock());
  if (lock.ok()) (void)fs_.RemoveFile(paths_.lock());
  (void)fs_.RemoveDir(paths_.dir);
}

std::string FormatDir::MarkPath() const {
  switch (maker_) {
    case StoreMaker::kImport:
      return paths_.importing();
    case StoreMaker::kRebuild:
      return paths_.rebuilding();
    case StoreMaker::kFormat:
      break;
  }
  return paths_.formatting();
}

Status FormatDir::WriteNewMark(Content found, const Request& request) {
  bool made_before = false;
  for (const std::string& path : {paths_.rebuilding(), paths_.importing(), paths_.formatting()}) {
    if (found == Content::kRebuild && maker_ != StoreMaker::kRebuild) break;  // nothing of it is kept
    if (found != Content::kRebuild && found != Content::kImport && found != Content::kFormat) break;
    const Result<std::string> mark = ReadFile(fs_, path, kMaxMarkBytes);
    if (!mark.ok()) continue;
    begins_again_ = true;
    made_before = mark->ends_with(kDeviceMadeLine);
    if (!mark->starts_with(kStoreLine)) break;
    const std::string_view rest = std::string_view(*mark).substr(kStoreLine.size());
    if (const Result<Uuid> uuid = Uuid::Parse(rest.substr(0, rest.find('\n'))); uuid.ok())
      store_uuid_ = *uuid;
    break;
  }
  // The device file may have the capacity of an earlier command, so it is made again.
  if (made_before) RAWKV_RETURN_IF_ERROR(RemoveIfThere(paths_.default_device()));
  return WriteMark(request.makes_device || made_before);
}

Status FormatDir::WriteMark(bool makes_device) {
  std::string text = std::string(kStoreLine) + store_uuid_.ToString();
  text += makes_device ? kDeviceMadeLine : "\n";
  marked_ = true;
  return WriteFileAtomic(fs_, MarkPath(), AsBytes(text));
}

Status FormatDir::RemoveIfThere(const std::string& path) {
  return AbsentIsOk(fs_.RemoveFile(path));
}

Status FormatDir::RemoveOwnFiles(FileId spared) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(paths_.dir));
  for (const std::string& name : names) {
    const std::string path = JoinPath(paths_.dir, name);
    const bool ours = IsStoreName(name) || name.ends_with(".tmp") || name.ends_with(".removing");
    if (!ours || path == paths_.lock() || path == MarkPath()) continue;
    const Result<FileStat> stat = fs_.Stat(path);
    if (stat.ok() && stat->id.known() && stat->id == spared) continue;
    RAWKV_RETURN_IF_ERROR(RemoveTree(fs_, path));
  }
  return Status::Ok();
}

Status FormatDir::Clear(FileId spared) {
  // The copy first: without STORE it would make the directory a store.
  for (const std::string& path : {paths_.store_copy(), paths_.store()}) {
    const Status removed = fs_.RemoveFile(path);
    RAWKV_RETURN_IF_ERROR(AbsentIsOk(removed));
    if (removed.ok()) RAWKV_RETURN_IF_ERROR(fs_.SyncDir(paths_.dir));
  }
  holds_others_ = false;
  return RemoveOwnFiles(spared);
}

void FormatDir::Finish() {
  (void)fs_.RemoveFile(MarkPath());  // otherwise the next open sweeps it
}

Status FormatDir::Abandon(FileId spared) {
  if (holds_others_) return marked_ ? RemoveIfThere(MarkPath()) : Status::Ok();
  RAWKV_RETURN_IF_ERROR(Clear(spared));
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(paths_.dir));
  const bool all_gone = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return IsClaimLeftover(name) || JoinPath(paths_.dir, name) == MarkPath() ||
           IsLostAndFound(fs_, paths_.dir, name);
  });
  // The mark of a format or import that was begun again keeps the UUID of what the device holds, so it stays.
  return all_gone && !begins_again_ ? Release() : Status::Ok();
}

Status FormatDir::Release() {
  // A power cut must not restore parts of the store without the mark.
  RAWKV_RETURN_IF_ERROR(fs_.SyncDir(paths_.dir));
  RAWKV_RETURN_IF_ERROR(RemoveIfThere(MarkPath()));
  RAWKV_RETURN_IF_ERROR(RemoveIfThere(paths_.lock()));
  lock_.reset();
  if (!made_dir_) return Status::Ok();
  // Another process may have claimed the directory already.
  const Status removed = fs_.RemoveDir(paths_.dir);
  return removed.code() == StatusCode::kFailedPrecondition ? Status::Ok() : AbsentIsOk(removed);
}

}  // namespace rawkv
