#include "engine/read/views.h"

#include <algorithm>
#include <new>

#include "base/exception_status.h"
#include "engine/store/working_index.h"

namespace rawkv {
CommitRecord ToCommitRecord(const MetaRecord& meta) {
  return {.version = meta.applied,
          .lineage = meta.lineage,
          .time_unix_ms = meta.commit_time_unix_ms,
          .metadata = meta.user_metadata};
}

bool EngineView::forked() const {
  return registry_ != nullptr && registry_->process_.forked();
}

void EngineView::LeaveToParent() {
  struct Abandoned {
    std::shared_ptr<const ReadPoint> point;
    std::shared_ptr<KeyIndex> index;
    std::shared_ptr<OldIndex> clone;
  };
  (void)new (std::nothrow) Abandoned{std::move(point_), std::move(index_), std::move(clone_)};
}

OldIndex::~OldIndex() {
  index.reset();
  // The next open sweeps a directory that cannot be removed now.
  if (lease == nullptr) return;
  (void)NoThrow([this] { return lease->Remove(); });
  leases->Erase(lease->dir());
}

EngineView::~EngineView() {
  if (forked()) {
    LeaveToParent();
    return;
  }
  // Forget comes after the read point and the index: a rollback closes the live index once no view of the tip
  // is listed.
  point_.reset();
  index_.reset();
  if (registry_ != nullptr) registry_->Forget(*this);
}

Result<std::shared_ptr<const EngineView>> ViewRegistry::OpenTip(const std::shared_ptr<KeyIndex>& index,
                                                                const char* kind) {
  std::shared_ptr<EngineView> view(new EngineView());
  view->index_ = index;
  view->on_live_index_ = true;
  view->kind_ = kind;
  MutexLock lock(mu_);
  view->point_ = index->TakeReadPoint();
  RAWKV_ASSIGN_OR_RETURN(const MetaRecord meta, index->Meta(view->point_.get()));
  view->version_ = meta.applied;
  view->commit_ = ToCommitRecord(meta);
  view->registry_ = this;
  views_.push_back(view.get());
  return std::shared_ptr<const EngineView>(std::move(view));
}

Result<std::shared_ptr<const EngineView>> ViewRegistry::OpenClone(StoreContext& c, const CloneSource& source,
                                                                  Version version, const char* kind) {
  RAWKV_ASSIGN_OR_RETURN(std::shared_ptr<EngineView> view, BeginClone(c, source, version, kind));
  return FinishClone(c, std::move(view));
}

Result<std::shared_ptr<EngineView>> ViewRegistry::BeginClone(StoreContext& c, const CloneSource& source,
                                                             Version version, const char* kind) {
  std::shared_ptr<EngineView> view(new EngineView());
  view->clone_ = std::make_shared<OldIndex>();
  view->clone_->shared = source.shared;
  view->kind_ = kind;
  view->version_ = version;
  view->replay_base_ = source.base;
  const Status linked = LinkClone(c, source, *view);
  const bool no_place = c.lock != nullptr && (linked.code() == StatusCode::kNoSpace || !c.lock->writable());
  if (!linked.ok() && no_place && !source.working) {
    // The clone reads the snapshot's own tables, which it keeps open, and writes to memory. It needs no
    // lease: this process holds the store's lock, so nobody else can remove those tables.
    RAWKV_ASSIGN_OR_RETURN(view->clone_->index, OpenIndexForWriting(c, c.snapshots->IndexPathOf(source.base),
                                                                    IndexFilesGo::kToMemory));
  } else if (!linked.ok()) {
    return linked;
  }
  MutexLock lock(mu_);
  view->registry_ = this;
  views_.push_back(view.get());
  return view;
}

Result<std::shared_ptr<const EngineView>> ViewRegistry::FinishClone(StoreContext& c,
                                                                    std::shared_ptr<EngineView> view) {
  OldIndex& clone = *view->clone_;
  if (clone.index == nullptr) {
    const std::string index_dir = JoinPath(clone.lease->dir(), "index");
    Result<std::unique_ptr<KeyIndex>> index = OpenIndexForWriting(c, index_dir);
    if (index.status().code() == StatusCode::kNoSpace) {
      index = OpenIndexForWriting(c, index_dir, IndexFilesGo::kToMemory);
    }
    if (!index.ok()) return index.status();
    clone.index = *std::move(index);
  }
  view->index_ = clone.index;
  RAWKV_ASSIGN_OR_RETURN(const MetaRecord meta,
                         MoveIndexTo(c, *clone.index, view->version_, UndoRecords::kNone));
  if (meta.applied != view->version_) {
    return Status::Corruption("snapshot and log lead to version " + ToString(meta.applied) + " instead of " +
                              ToString(view->version_));
  }
  MutexLock lock(mu_);
  view->commit_ = clone.commit = ToCommitRecord(meta);
  view->replay_base_.reset();
  clone.ready = true;
  // A writer in another process would have to keep the version as long as it sees the lease. The index in
  // memory is as large as everything that the replay wrote.
  if (clone.shared && c.lock != nullptr && clone.lease != nullptr) {
    clone.kept_bytes_max = c.options.block_cache_bytes;
  }
  return std::shared_ptr<const EngineView>(std::move(view));
}

Status ViewRegistry::LinkClone(StoreContext& c, const CloneSource& source, EngineView& view) {
  const Uuid id = Uuid::Generate(*c.env.entropy);
  const std::string dir = Lease::DirOf(c.paths.dir, id);
  leases_->Add(dir);
  Result<std::unique_ptr<Lease>> lease =
      Lease::Create(*c.env.fs, *c.env.clock, c.paths.dir, id, view.version_, source.base);
  if (!lease.ok()) {
    leases_->Erase(dir);
    return lease.status();
  }
  const std::string to = JoinPath((*lease)->dir(), "index");
  const Status status = source.working ? CloneWorkingIndex(c, source.live, to)
                                       : CloneIndex(*c.env.fs, c.snapshots->IndexPathOf(source.base), to);
  if (status.ok()) {
    view.clone_->lease = *std::move(lease);
    view.clone_->leases = leases_;
  } else {
    (void)(*lease)->Remove().ok();  // otherwise the next open sweeps it
    leases_->Erase(dir);
  }
  return status;
}

void ViewRegistry::Forget(EngineView& view) {
  // Closed after the mutex is released.
  std::shared_ptr<OldIndex> clone;
  Kept older;
  MutexLock lock(mu_);
  views_.remove(&view);
  clone = std::move(view.clone_);
  if (clone == nullptr || !clone->ready || FindClone(clone->commit.version) != nullptr) return;
  uint64_t bytes = clone->index->MemoryBytes();
  const uint64_t bytes_max = clone->kept_bytes_max;
  if (bytes_max == 0 || bytes > bytes_max) return;
  older.swap(kept_);
  kept_[0] = std::move(clone);
  for (size_t i = 1; i < kKept && older[i - 1] != nullptr; ++i) {
    bytes += older[i - 1]->index->MemoryBytes();
    if (bytes > bytes_max) return;
    kept_[i] = std::move(older[i - 1]);
  }
}

std::shared_ptr<OldIndex> ViewRegistry::FindClone(Version version) const {
  const auto fits = [version](const std::shared_ptr<OldIndex>& clone) {
    return clone != nullptr && clone->ready && clone->shared && clone->commit.version == version;
  };
  for (const EngineView* v : views_) {
    if (fits(v->clone_)) return v->clone_;
  }
  const auto kept = std::find_if(kept_.begin(), kept_.end(), fits);
  return kept == kept_.end() ? nullptr : *kept;
}

bool ViewRegistry::HasCloneOf(Version version) const {
  MutexLock lock(mu_);
  return FindClone(version) != nullptr;
}

std::shared_ptr<const EngineView> ViewRegistry::Share(const LineageChain& chain, Version version,
                                                      const char* kind) {
  std::shared_ptr<EngineView> view(new EngineView());
  view->kind_ = kind;
  view->version_ = version;
  MutexLock lock(mu_);
  std::shared_ptr<OldIndex> clone = FindClone(version);
  if (clone == nullptr || !chain.Contains(clone->commit.lineage, version)) return nullptr;
  views_.push_back(view.get());
  view->registry_ = this;
  view->commit_ = clone->commit;
  view->index_ = clone->index;
  // The clone is in use now, and Forget keeps it again.
  std::fill(std::remove(kept_.begin(), kept_.end(), clone), kept_.end(), nullptr);
  view->clone_ = std::move(clone);
  return view;
}

void ViewRegistry::DropKept() {
  Kept dropped;  // closed after the mutex is released
  MutexLock lock(mu_);
  dropped.swap(kept_);
}

std::vector<VersionHold> ViewRegistry::Holds() const {
  MutexLock lock(mu_);
  std::vector<VersionHold> out;
  for (const EngineView* v : views_) {
    out.push_back({v->kind_, ToString(v->version_), v->version_, v->on_live_index_});
  }
  return out;
}

std::optional<CommitRecord> ViewRegistry::CommitOf(Version version) const {
  MutexLock lock(mu_);
  for (const EngineView* v : views_) {
    if (v->version_ == version && !v->replay_base_) return v->commit_;
  }
  return std::nullopt;
}

bool ViewRegistry::Empty() const {
  MutexLock lock(mu_);
  return views_.empty();
}

std::vector<Version> ViewRegistry::ReplayBases() const {
  MutexLock lock(mu_);
  std::vector<Version> out;
  for (const EngineView* v : views_) {
    if (v->replay_base_) out.push_back(*v->replay_base_);
  }
  return out;
}

}  // namespace rawkv
