#include "tests/support/faults/fault_plane.h"

#include <algorithm>
#include <utility>

namespace rawkv {
namespace {

constexpr uint64_t kSuperblocksEnd = 2 * 4096;
constexpr uint64_t kMetadataEnd = 18 * 4096;  // in the layout of small devices

std::string_view TakeComponent(std::string_view* path) {
  const size_t slash = path->find('/');
  const std::string_view component = path->substr(0, slash);
  *path = slash == std::string_view::npos ? std::string_view() : path->substr(slash + 1);
  return component;
}

std::string KindOfIndexFile(const std::string& owner, std::string_view name) {
  if (name.empty()) return owner + " index dir";
  const std::string suffix = name.ends_with(".dbtmp") ? ".dbtmp" : name.ends_with(".tmp") ? ".tmp" : "";
  if (name.ends_with(".sst")) return owner + " SST";
  if (name.starts_with("MANIFEST-")) return owner + " index MANIFEST" + suffix;
  if (name.starts_with("OPTIONS-")) return owner + " OPTIONS" + suffix;
  if (name.ends_with(".log")) return owner + " index log";
  if (!suffix.empty()) return owner + " *" + suffix;
  return owner + " " + std::string(name);  // CURRENT, IDENTITY, LOCK
}

// A directory with an index in index/ and one or two files next to it.
std::string KindWithIndex(const std::string& owner, std::string_view rest) {
  if (rest.empty()) return owner + " dir";
  const std::string_view name = TakeComponent(&rest);
  if (name == "index") return KindOfIndexFile(owner, rest);
  return owner + " " + std::string(name);  // MANIFEST, BASE, LEASE
}

std::string KindInStore(std::string_view rest) {
  if (rest.empty()) return "store dir";
  const std::string_view name = TakeComponent(&rest);
  if (name == "wal") {
    if (rest.empty()) return "wal dir";
    return rest.ends_with(".tmp") ? "wal segment.tmp" : "wal segment";
  }
  if (name == "snapshot-staging.tmp") return KindWithIndex("staging", rest);
  if (name.starts_with("snapshot-")) {
    return KindWithIndex(name.ends_with(".removing") ? "removed snapshot" : "snapshot", rest);
  }
  if (name == "working" || name == "working.new" || name == "working.removing") {
    return KindWithIndex(std::string(name), rest);
  }
  if (name == "views") {
    if (rest.empty()) return "views dir";
    const std::string_view view = TakeComponent(&rest);
    return KindWithIndex(view.ends_with(".tmp")        ? "view.tmp"
                         : view.ends_with(".removing") ? "removed view"
                                                       : "view",
                         rest);
  }
  if (name == "format.tmp" || name == "import.tmp") return KindOfIndexFile("scratch", rest);
  return std::string(name);  // LOCK, STORE, PINS, current, ROLLBACK, reserve …, with their .tmp
}

std::string KindInExport(std::string_view rest) {
  if (rest.empty()) return "export dir";
  if (rest.starts_with("MANIFEST") || rest == "ORIGIN" || rest == "EXPORTING") {
    return "export " + std::string(rest);
  }
  return "export chunk";
}

bool TakesRoom(const std::string& operation) {
  return EffectOf(operation) == Effect::kTakesRoom;
}

bool IsChange(const std::string& operation) {
  return EffectOf(operation) != Effect::kReads;
}

}  // namespace

std::string KindOfPath(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  if (path.empty()) return "parent dir";
  const std::string_view root = TakeComponent(&path);
  if (root.find("device") != std::string_view::npos) return "device";
  if (root.starts_with("export")) return KindInExport(path);
  return KindInStore(path);
}

std::string KindOfDeviceRegion(uint64_t offset) {
  return offset < kSuperblocksEnd ? "superblock" : offset < kMetadataEnd ? "metadata region" : "slots";
}

std::string ToString(const FaultSite& site) {
  return site.step + ": " + site.operation + " " + site.kind;
}

Effect EffectOf(const std::string& operation) {
  const std::string name = operation.substr(operation.find('.') + 1);
  static const std::map<std::string, Effect, std::less<>> kEffects{
      {"write", Effect::kTakesRoom},   {"zerofill", Effect::kTakesRoom}, {"create", Effect::kTakesRoom},
      {"append", Effect::kTakesRoom},  {"mkdir", Effect::kTakesRoom},    {"link", Effect::kTakesRoom},
      {"symlink", Effect::kTakesRoom}, {"rename", Effect::kTakesRoom},   {"truncate", Effect::kChanges},
      {"enlarge", Effect::kTakesRoom}, {"unlink", Effect::kChanges},     {"rmdir", Effect::kChanges},
      {"discard", Effect::kChanges},   {"sync", Effect::kSyncs},         {"syncdir", Effect::kSyncs},
      {"flush", Effect::kSyncs}};
  const auto it = kEffects.find(name);
  return it == kEffects.end() ? Effect::kReads : it->second;
}

std::string ToString(const PlannedFault& f) {
  std::string out = f.kind == FaultKind::kIoError ? "EIO" : "ENOSPC";
  out += f.reach == FaultReach::kOnce   ? " once"
         : f.reach == FaultReach::kSame ? " there from"
                                        : " everywhere from";
  return out + (f.half ? " (half done)" : "") + " at [" + ToString(f.site) + "] no. " +
         std::to_string(f.occurrence);
}

void FaultPlane::SetStep(std::string step) {
  MutexLock lock(mu_);
  step_ = std::move(step);
  driver_ = std::this_thread::get_id();
}

void FaultPlane::Disarm() {
  MutexLock lock(mu_);
  armed_ = false;
}

std::optional<FaultPlane::Failure> FaultPlane::Pass(const std::string& operation, const std::string& kind) {
  MutexLock lock(mu_);
  if (!armed_) return std::nullopt;
  // Any thread may delete obsolete files, so that deletions count as background work.
  const bool background = operation == "index.unlink" ||
                          (operation.starts_with("index.") && std::this_thread::get_id() != driver_);
  const FaultSite site{background ? "background" : step_, operation, kind};
  const uint64_t occurrence = ++performed_[site];
  std::optional<Failure> failure;
  for (size_t i = 0; i < faults_.size(); ++i) {
    const PlannedFault& f = faults_[i];
    bool hit = f.site == site && f.occurrence == occurrence;
    if (!hit && fired_[i] && f.reach == FaultReach::kSame) {
      hit = f.site.operation == operation && f.site.kind == kind;
    }
    if (!hit && fired_[i] && f.reach == FaultReach::kChanging) {
      hit = f.kind == FaultKind::kNoSpace ? TakesRoom(operation) : IsChange(operation);
    }
    if (!hit) continue;
    // Marks every matching fault as fired, also if an earlier fault already makes the operation fail.
    fired_[i] = true;
    if (!failure) failure = Failure{f.kind, f.half};
  }
  if (failure) ++failures_;
  return failure;
}

bool FaultPlane::AllFired() const {
  MutexLock lock(mu_);
  return std::all_of(fired_.begin(), fired_.end(), [](bool fired) { return fired; });
}

bool FaultPlane::MayStillFail() const {
  MutexLock lock(mu_);
  if (!armed_) return false;
  for (size_t i = 0; i < faults_.size(); ++i) {
    if (!fired_[i] || faults_[i].reach != FaultReach::kOnce) return true;
  }
  return false;
}

uint64_t FaultPlane::failures() const {
  MutexLock lock(mu_);
  return failures_;
}

std::map<FaultSite, uint64_t> FaultPlane::performed() const {
  MutexLock lock(mu_);
  return performed_;
}

}  // namespace rawkv
