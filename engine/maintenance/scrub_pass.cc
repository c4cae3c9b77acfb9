#include "engine/maintenance/scrub_pass.h"

#include <algorithm>
#include <utility>

#include "wal/change_set.h"
#include "wal/segment_name.h"

namespace rawkv {
namespace {

// Keys to walk over, and payloads to collect, inside one epoch.
constexpr size_t kKeysAtATime = 4096;
constexpr size_t kItemsAtATime = 256;
// Bytes of one value to verify before the rate limit applies again.
constexpr uint64_t kPartBytes = 8ull << 20;

// A refused read is an error of the pass, as it proves nothing about the store.
bool IsDamage(const Status& status) {
  return status.code() == StatusCode::kCorruption ||
         (status.code() == StatusCode::kIoError && !status.refused());
}

}  // namespace

void ScrubPass::AddFinding(const char* kind, std::string where, std::optional<Version> version,
                           std::string message) {
  ++state_.findings;
  monitor_.OnFinding({kind, std::move(where), version, std::move(message)});
}

Result<ScrubPass::Step> ScrubPass::EnterPhase(ScrubPhase phase) {
  state_.phase = phase;
  state_.version = Version();
  state_.key.clear();
  monitor_.OnProgress(state_);
  return Step::kContinue;
}

Result<bool> ScrubPass::Run() {
  using Phase = Result<Step> (ScrubPass::*)();
  constexpr std::pair<ScrubPhase, Phase> kPhases[] = {
      {ScrubPhase::kSuperblocks, &ScrubPass::ScrubSuperblocks},
      {ScrubPhase::kLog, &ScrubPass::ScrubLog},
      {ScrubPhase::kSnapshots, &ScrubPass::ScrubSnapshots},
      {ScrubPhase::kTip, &ScrubPass::ScrubTip},
      {ScrubPhase::kOlder, &ScrubPass::ScrubOlder}};
  for (const auto& [phase, run] : kPhases) {
    if (state_.phase > phase) continue;  // an earlier run has finished this phase
    if (state_.phase < phase) RAWKV_RETURN_IF_ERROR(EnterPhase(phase).status());
    RAWKV_ASSIGN_OR_RETURN(const Step step, (this->*run)());
    monitor_.OnProgress(state_);
    if (step == Step::kStop) return false;
  }
  return true;
}

Result<ScrubPass::Step> ScrubPass::ScrubSuperblocks() {
  RAWKV_ASSIGN_OR_RETURN(const SuperblockPair pair,
                         RunQuietly([this] { return parts_.context.superblocks->Inspect(); }));
  for (const size_t i : {size_t{0}, size_t{1}}) {
    if (pair.status[i].ok()) continue;
    if (pair.status[i].refused()) return pair.status[i];
    AddFinding(
        "superblock", parts_.context.device_path + " copy " + "AB" [i], {}, pair.status[i].message());
  }
  state_.bytes += 2 * kSuperblockBytes;
  return monitor_.Spend(2 * kSuperblockBytes) ? Step::kContinue : Step::kStop;
}

// The records of one segment from state_.version on.
struct ScrubPass::LogPiece {
  bool end = false;  // the log ends here
  Version next;      // where the next piece begins
  uint64_t bytes = 0;
  uint64_t records = 0;
  std::vector<std::pair<Item, Lineage>> payloads;
  Status damage;
};

Result<ScrubPass::LogPiece> ScrubPass::ReadLogPiece() {
  LogPiece piece;
  const WalContext log = parts_.context.log();
  RAWKV_ASSIGN_OR_RETURN(const std::vector<SegmentFile> files, ListSegmentFiles(*log.fs, log.dir));
  if (files.empty()) {
    piece.damage = Status::Corruption(log.dir + ": the log is missing altogether");
    piece.end = true;
    return piece;
  }
  const Version tip = parts_.core.tip.Get();
  const Version from = std::max(state_.version, files.front().first);
  const size_t index = *FindSegment(files, from);
  const Version to = index + 1 < files.size() ? std::min(Previous(files[index + 1].first), tip) : tip;
  piece.next = Next(to);
  piece.end = from > tip;
  if (from > to) return piece;
  RAWKV_ASSIGN_OR_RETURN(const Retained now, parts_.maintenance.SurveyRetained());
  const Reachability& reach = now.reach;
  piece.damage = ReadLog(log, from, to, [&](const LogRecord& record) -> Status {
    RAWKV_ASSIGN_OR_RETURN(const ChangeSet changes, DecodeChangeSet(record.body));
    if (reach.IsReachable(record.head.version)) {
      for (const KeptPayload& kept : KeptPayloads(changes)) {
        piece.payloads.emplace_back(Item{*kept.key, *kept.ref, record.head.version}, record.head.lineage);
      }
    }
    piece.bytes += record.body.size();
    ++piece.records;
    return Status::Ok();
  });
  // The rest of this segment is out of reach: records are found one after the other.
  if (!piece.damage.ok() && !IsDamage(piece.damage)) return piece.damage;
  return piece;
}

Result<ScrubPass::Step> ScrubPass::ScrubLog() {
  for (;;) {
    RAWKV_ASSIGN_OR_RETURN(const LogPiece piece, RunQuietly([this] { return ReadLogPiece(); }));
    if (!piece.damage.ok()) AddFinding("log", parts_.context.paths.wal(), {}, piece.damage.message());
    if (piece.end) return Step::kContinue;
    state_.records += piece.records;
    state_.bytes += piece.bytes;
    if (!monitor_.Spend(piece.bytes)) return Step::kStop;
    for (const auto& [item, lineage] : piece.payloads) {
      // The phase for the tip verifies the payloads that the tip names, too.
      RAWKV_ASSIGN_OR_RETURN(const bool at_tip, TipStillNames(item));
      if (at_tip) continue;
      const Needed reachable = [&, branch = lineage](const Item& i) -> Result<bool> {
        return RunQuietly([&]() -> Result<bool> {
          RAWKV_ASSIGN_OR_RETURN(const Retained now, parts_.maintenance.SurveyRetained());
          return now.reach.IsReachable(i.written_by) && parts_.context.chain().Contains(branch, i.written_by);
        });
      };
      RAWKV_ASSIGN_OR_RETURN(const Step step, VerifyItem(item, "log", reachable));
      if (step == Step::kStop) return step;
    }
    state_.version = piece.next;
    monitor_.OnProgress(state_);
  }
}

Result<std::optional<Version>> ScrubPass::FindNextSnapshot(Version from) {
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                         parts_.context.env.fs->List(parts_.context.paths.dir));
  for (const std::string& name : names) {  // sorted, and so by version
    const std::optional<Version> version = SnapshotStore::ParseDirName(name);
    if (version && *version >= from) return version;
  }
  return std::optional<Version>();
}

Result<bool> ScrubPass::HoldsItsSlots(Version snapshot, Lineage lineage) {
  return RunQuietly([&]() -> Result<bool> {
    const Result<Manifest> manifest = parts_.context.snapshots->ReadManifest(snapshot);
    if (manifest.status().refused()) return manifest.status();
    if (!manifest.ok() || manifest->lineage != lineage) return false;
    // A version of the same number on the present branch holds other slots.
    if (!parts_.context.chain().Contains(lineage, snapshot)) return false;
    // A snapshot that only waits for its removal, as its pin is gone, holds nothing.
    RAWKV_ASSIGN_OR_RETURN(const Retained now, parts_.maintenance.SurveyRetained());
    return now.reach.IsReachable(snapshot);
  });
}

Result<std::optional<ScrubPass::Identity>> ScrubPass::ReadIdentity(Version snapshot) {
  // Quietly, so that no removal and no rollback is half done.
  return RunQuietly([&]() -> Result<std::optional<Identity>> {
    const Result<Manifest> manifest = parts_.context.snapshots->ReadManifest(snapshot);
    if (manifest.ok()) return std::optional<Identity>({manifest->lineage, manifest->created_unix_ms});
    if (manifest.status().code() == StatusCode::kNotFound) return std::optional<Identity>();
    if (manifest.status().refused()) return manifest.status();
    return std::optional<Identity>(Identity());  // it exists, on an unknown branch
  });
}

Result<ScrubPass::Step> ScrubPass::ScrubSnapshot(Version version) {
  RAWKV_ASSIGN_OR_RETURN(const std::optional<Identity> before, ReadIdentity(version));
  if (!before) return Step::kContinue;
  const LineageChain chain = parts_.context.chain();
  if (chain.Abandons(before->lineage, version)) return Step::kContinue;  // the next open removes it
  bool on = true;
  const FileChecksummer plain = SnapshotChecksummer(parts_.context.env);
  const FileChecksummer paced = [&](const std::string& path, FileChecksumKind kind) -> Result<std::string> {
    if (!on) return Status::FailedPrecondition("stopped");
    Result<std::string> checksum = plain(path, kind);
    const Result<FileStat> stat = parts_.context.env.fs->Stat(path);
    const uint64_t bytes = stat.ok() ? stat->size_bytes : 0;
    state_.bytes += bytes;
    on = monitor_.Spend(bytes);
    return checksum;
  };
  const SnapshotCallbacks callbacks{.fill = {}, .inspect = [this](const std::string& dir) {
                                      return InspectIndex(parts_.context.env, dir);
                                    }};
  const Result<std::vector<std::string>> errors =
      parts_.context.snapshots->Verify(version, chain, paced, callbacks);
  if (!on) return Step::kStop;  // the next run begins this snapshot again
  if (errors.status().refused()) return errors.status();
  if (errors.ok() && errors->empty()) {
    ++state_.snapshots;
    return Step::kContinue;
  }
  RAWKV_ASSIGN_OR_RETURN(const std::optional<Identity> after, ReadIdentity(version));
  if (after != before) return Step::kContinue;  // it was removed meanwhile, and perhaps made again
  const std::string where = parts_.context.snapshots->PathOf(version);
  if (!errors.ok()) {
    AddFinding("snapshot", where, version, errors.status().message());
  } else {
    for (const std::string& e : *errors) AddFinding("snapshot", where, version, e);
  }
  return Step::kContinue;
}

Result<ScrubPass::Step> ScrubPass::ScrubSnapshots() {
  for (;;) {
    RAWKV_ASSIGN_OR_RETURN(const std::optional<Version> version, FindNextSnapshot(state_.version));
    if (!version) return Step::kContinue;
    RAWKV_ASSIGN_OR_RETURN(const Step step, ScrubSnapshot(*version));
    if (step == Step::kStop) return step;
    state_.version = Next(*version);
    monitor_.OnProgress(state_);
  }
}

ScrubPass::KeyBatch ScrubPass::CollectKeys(KeyIndex& index, const std::string& after) {
  KeyBatch batch;
  batch.last_key = after;
  // The first possible key after `after` is `after` with a zero byte.
  const std::string lower = after.empty() ? "" : after + std::string(1, '\0');
  const std::unique_ptr<IndexCursor> cursor = index.NewCursor(lower, "", nullptr);
  size_t keys = 0;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    if (keys++ == kKeysAtATime || batch.items.size() == kItemsAtATime) {
      batch.more = true;
      return batch;
    }
    const Result<IndexEntry> entry = cursor->entry();
    if (!entry.ok()) {
      batch.status = entry.status().WithContext("key " + std::string(cursor->key()));
      batch.last_key = std::string(cursor->key());
      batch.more = true;
      return batch;
    }
    batch.last_key = std::string(cursor->key());
    if (entry->value.is_inline()) continue;
    batch.items.push_back({batch.last_key, std::get<PayloadRef>(entry->value.data), entry->written_by});
  }
  batch.status = cursor->status();
  return batch;
}

Result<ScrubPass::KeyBatch> ScrubPass::CollectTip() {
  const ReaderEpochs::Guard guard(parts_.epochs);
  RAWKV_RETURN_IF_ERROR(parts_.readable());
  return CollectKeys(*parts_.core.index, state_.key);
}

Result<bool> ScrubPass::TipStillNames(const Item& item) {
  const ReaderEpochs::Guard guard(parts_.epochs);
  RAWKV_RETURN_IF_ERROR(parts_.readable());
  const Result<std::optional<IndexEntry>> entry = parts_.core.index->Get(item.key);
  if (entry.status().refused()) return entry.status();
  // The walk over the index reports an index that cannot be read.
  if (!entry.ok() || !entry->has_value() || (*entry)->value.is_inline()) return false;
  return std::get<PayloadRef>((*entry)->value.data) == item.ref;
}

Result<ScrubPass::Step> ScrubPass::VerifyItem(const Item& item, const char* where, const Needed& needed) {
  for (uint64_t at = 0; at < item.ref.length; at += kPartBytes) {
    const uint64_t part = std::min(kPartBytes, item.ref.length - at);
    const Status verified = parts_.core.payload->VerifyPart(item.key, item.ref, at, part);
    if (!verified.ok()) {
      RAWKV_ASSIGN_OR_RETURN(const bool still, needed(item));
      if (!still) return Step::kContinue;
      if (!IsDamage(verified)) return verified;
      AddFinding("payload", item.key, item.written_by, std::string(where) + ": " + verified.ToString());
      return Step::kContinue;
    }
    state_.bytes += part;
    if (!monitor_.Spend(part)) return Step::kStop;
  }
  ++state_.payloads;
  return Step::kContinue;
}

Result<ScrubPass::Step> ScrubPass::ScrubTip() {
  for (;;) {
    RAWKV_ASSIGN_OR_RETURN(const KeyBatch batch, CollectTip());
    for (const Item& item : batch.items) {
      const Needed named = [this](const Item& i) { return TipStillNames(i); };
      RAWKV_ASSIGN_OR_RETURN(const Step step, VerifyItem(item, "tip", named));
      if (step == Step::kStop) return step;
      state_.key = item.key;
      monitor_.OnProgress(state_);
    }
    if (batch.status.refused()) return batch.status;
    if (!batch.status.ok()) {
      AddFinding("index", parts_.context.paths.working_index(), {}, batch.status.message());
    }
    state_.key = batch.last_key;
    monitor_.OnProgress(state_);
    if (!batch.more) return Step::kContinue;
    if (!monitor_.Spend(0)) return Step::kStop;
  }
}

Result<ScrubPass::Step> ScrubPass::ScrubOlderPayloads(Version version, Lineage lineage) {
  const Needed there = [&](const Item&) { return HoldsItsSlots(version, lineage); };
  const Result<std::unique_ptr<KeyIndex>> index =
      OpenIndexForReading(parts_.context.env, parts_.context.snapshots->IndexPathOf(version));
  if (index.status().refused()) return index.status();
  if (!index.ok()) return Step::kContinue;  // it is gone, or the phase that reads its files reports it
  const std::string name = "snapshot " + ToString(version);
  for (;;) {
    const KeyBatch batch = CollectKeys(**index, state_.key);
    for (const Item& item : batch.items) {
      RAWKV_ASSIGN_OR_RETURN(const bool at_tip, TipStillNames(item));
      if (!at_tip) {
        RAWKV_ASSIGN_OR_RETURN(const Step step, VerifyItem(item, name.c_str(), there));
        if (step == Step::kStop) return step;
      }
      state_.key = item.key;
      monitor_.OnProgress(state_);
    }
    state_.key = batch.last_key;
    if (batch.status.refused()) return batch.status;
    if (!batch.more || !batch.status.ok()) return Step::kContinue;
    if (!monitor_.Spend(0)) return Step::kStop;
    RAWKV_ASSIGN_OR_RETURN(const bool still, there({}));
    if (!still) return Step::kContinue;
  }
}

Result<ScrubPass::Step> ScrubPass::ScrubOlder() {
  for (;;) {
    RAWKV_ASSIGN_OR_RETURN(const std::optional<Version> version, FindNextSnapshot(state_.version));
    if (!version) return Step::kContinue;
    if (*version != state_.version) state_.key.clear();
    state_.version = *version;
    RAWKV_ASSIGN_OR_RETURN(const std::optional<Identity> identity, ReadIdentity(*version));
    if (identity && identity->lineage != Lineage()) {
      RAWKV_ASSIGN_OR_RETURN(const Step step, ScrubOlderPayloads(*version, identity->lineage));
      if (step == Step::kStop) return step;
    }
    state_.version = Next(*version);
    state_.key.clear();
    monitor_.OnProgress(state_);
  }
}

}  // namespace rawkv
