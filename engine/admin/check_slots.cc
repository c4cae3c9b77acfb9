#include "engine/admin/check_slots.h"

#include <algorithm>
#include <map>

#include "blockdev/slot_bitmap.h"

namespace rawkv {
namespace {

constexpr uint64_t kSlots = AllocationPage::kSlots;

std::string SlotRange(const Extent& e) {
  return "slots " + std::to_string(e.first.value()) + "…" + std::to_string(e.end().value() - 1);
}

void SetSlotsOf(const Extent& e, std::vector<uint64_t>& bits) {
  SetSlots(bits, e.first.value(), e.count.value());
}

}  // namespace

// The bits of all allocation pages, one page after the other.
struct SlotCheck::Pages {
  std::vector<uint64_t> live, taken;
};

void SlotCheck::AddFinding(CheckReport* report, const Extent& where, std::string message, Worst how) {
  Worsen(how);
  report->findings.push_back({"slots", SlotRange(where), meta_.applied, name_ + ": " + std::move(message)});
}

Status SlotCheck::Run(CheckReport* report) {
  RAWKV_ASSIGN_OR_RETURN(meta_, index_.Meta());
  RAWKV_RETURN_IF_ERROR(CollectLive(report));
  RAWKV_RETURN_IF_ERROR(CollectDeferred(report));
  CheckOverlaps(report);
  CheckCounts(report);
  return CheckPages(report);
}

Status SlotCheck::CollectLive(CheckReport* report) {
  const std::unique_ptr<IndexCursor> cursor = index_.NewCursor("", "", nullptr);
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    const Result<IndexEntry> entry = cursor->entry();
    if (!entry.ok()) {
      report->findings.push_back(
          {"index", std::string(cursor->key()), meta_.applied, name_ + ": " + entry.status().message()});
      Worsen(Worst::kWrong);
      continue;
    }
    if (entry->value.is_inline()) continue;
    const PayloadRef& ref = std::get<PayloadRef>(entry->value.data);
    for (const Extent& e : ref.extents) {
      if (e.first.value() >= slot_count_ || e.count.value() > slot_count_ - e.first.value()) {
        AddFinding(report, e, "an extent lies outside the device");
        continue;
      }
      live_.push_back({e, ref.write_id, entry->written_by});
    }
  }
  std::sort(live_.begin(), live_.end());
  return cursor->status();
}

Status SlotCheck::CollectDeferred(CheckReport* report) {
  RAWKV_RETURN_IF_ERROR(
      index_.ForEachDeferred(Version(~uint64_t{0}), std::nullopt, [&](const DeferredFree& entry) {
        if (entry.extent.first.value() >= slot_count_ ||
            entry.extent.count.value() > slot_count_ - entry.extent.first.value()) {
          AddFinding(report, entry.extent, "a deferred entry lies outside the device");
        } else {
          deferred_.push_back(entry);
        }
        return true;
      }));
  std::sort(deferred_.begin(), deferred_.end(),
            [](const DeferredFree& a, const DeferredFree& b) { return a.extent.first < b.extent.first; });
  return Status::Ok();
}

void SlotCheck::CheckOverlaps(CheckReport* report) {
  struct Use {
    Extent extent;
    bool live;
  };
  std::vector<Use> uses;
  for (const LiveExtent& l : live_) uses.push_back({l.extent, true});
  for (const DeferredFree& d : deferred_) uses.push_back({d.extent, false});
  std::sort(uses.begin(), uses.end(),
            [](const Use& a, const Use& b) { return a.extent.first < b.extent.first; });
  for (size_t i = 1; i < uses.size(); ++i) {
    if (!uses[i - 1].extent.Overlaps(uses[i].extent)) continue;
    const char* what = uses[i - 1].live && uses[i].live   ? "two live extents overlap"
                       : uses[i - 1].live || uses[i].live ? "a live extent is deferred, too"
                                                          : "two deferred entries overlap";
    AddFinding(report, uses[i].extent, what);
  }
}

void SlotCheck::CheckCounts(CheckReport* report) {
  uint64_t live = 0;
  for (const LiveExtent& l : live_) live += l.extent.count.value();
  uint64_t taken = live;
  for (const DeferredFree& d : deferred_) taken += d.extent.count.value();
  const auto expect = [&](const char* what, uint64_t recorded, uint64_t found, bool more_is_a_leak = false) {
    if (recorded == found) return;
    Worsen(more_is_a_leak && recorded > found ? Worst::kLeaks : Worst::kWrong);
    report->findings.push_back({"slots", name_, meta_.applied,
                                std::string("the meta record counts ") + std::to_string(recorded) + " " +
                                    what + ", the keys give " + std::to_string(found)});
  };
  expect("live extents", meta_.live_extents, live_.size());
  expect("live slots", meta_.live_slots, live);
  expect("taken slots", meta_.taken_slots, taken, true);
}

SlotCheck::Pages SlotCheck::ComputePages() const {
  const uint64_t words = (slot_count_ + kSlots - 1) / kSlots * (kSlots / 64);
  Pages want{std::vector<uint64_t>(words), std::vector<uint64_t>(words)};
  for (const LiveExtent& l : live_) {
    SetSlotsOf(l.extent, want.live);
    SetSlotsOf(l.extent, want.taken);
  }
  for (const DeferredFree& d : deferred_) SetSlotsOf(d.extent, want.taken);
  return want;
}

Status SlotCheck::CheckPages(CheckReport* report) {
  const Pages want = ComputePages();
  const uint64_t words = want.live.size();
  uint64_t next = 0;
  const auto check = [&](uint64_t number, const AllocationPage& page) {
    const uint64_t first = number * (kSlots / 64);
    for (uint64_t w = 0; w < kSlots / 64; ++w) {
      const bool inside = first + w < words;
      const uint64_t want_live = inside ? want.live[first + w] : 0;
      const uint64_t want_taken = inside ? want.taken[first + w] : 0;
      if (page.live[w] == want_live && page.taken[w] == want_taken) continue;
      const Extent where{SlotId((first + w) * 64), SlotCount(64)};
      const uint64_t leaked = page.taken[w] & ~want_taken;
      const bool only_leaks = leaked != 0 && page.live[w] == want_live && (want_taken & ~page.taken[w]) == 0;
      if (only_leaks) {
        AddFinding(report, where, "leaked: taken by nothing that is live or deferred", Worst::kLeaks);
      } else {
        AddFinding(report, where, "the allocation page contradicts the keys");
      }
    }
  };
  const AllocationPage empty;
  RAWKV_RETURN_IF_ERROR(index_.ForEachPage([&](uint64_t number, const AllocationPage& page) {
    for (; next < number && next * (kSlots / 64) < words; ++next) check(next, empty);
    check(number, page);
    next = number + 1;
    return Status::Ok();
  }));
  for (; next * (kSlots / 64) < words; ++next) check(next, empty);
  return Status::Ok();
}

void SlotCheck::CheckHoldsSlotsOf(const SlotCheck& older, Version version, CheckReport* report) {
  for (const LiveExtent& need : older.live_) {
    // Several entries may hold one extent: an allocation trims a deferred free where it reuses its slots. So
    // this walks from entry to entry over the extent's slots.
    uint64_t at = need.extent.first.value();
    const uint64_t end = need.extent.end().value();
    while (at < end) {
      const auto starts_above = [&](uint64_t slot, const auto& e) { return slot < e.extent.first.value(); };
      const auto l = std::upper_bound(live_.begin(), live_.end(), at, starts_above);
      const auto d = std::upper_bound(deferred_.begin(), deferred_.end(), at, starts_above);
      if (l != live_.begin() && at < std::prev(l)->extent.end().value() &&
          std::prev(l)->write_id == need.write_id && std::prev(l)->born == need.born) {
        at = std::prev(l)->extent.end().value();
      } else if (d != deferred_.begin() && at < std::prev(d)->extent.end().value() &&
                 std::prev(d)->born <= version && version < std::prev(d)->freed) {
        at = std::prev(d)->extent.end().value();
      } else {
        AddFinding(report, need.extent, "reachable at version " + ToString(version) + ", but free or reused");
        break;
      }
    }
  }
}

Status SlotCheck::TrimDeferred(IndexBatch& batch) {
  const std::vector<uint64_t> live = ComputePages().live;
  std::vector<DeferredFree> kept;
  for (const DeferredFree& entry : deferred_) {
    const size_t before = kept.size();
    const uint64_t end = entry.extent.end().value();
    for (uint64_t slot = entry.extent.first.value(); slot < end; ++slot) {
      if (TestSlot(live, slot)) continue;
      const bool continues = kept.size() > before && kept.back().extent.end() == SlotId(slot);
      if (!continues) kept.push_back({{SlotId(slot), SlotCount(0)}, entry.born, entry.freed});
      kept.back().extent.count = kept.back().extent.count + SlotCount(1);
    }
    if (kept.size() == before + 1 && kept.back() == entry) continue;
    batch.DeleteDeferred(entry);
    for (size_t i = before; i < kept.size(); ++i) batch.PutDeferred(kept[i]);
  }
  deferred_ = std::move(kept);
  return Status::Ok();
}

Status SlotCheck::Correct() {
  const std::unique_ptr<IndexBatch> batch = index_.NewBatch();
  RAWKV_RETURN_IF_ERROR(TrimDeferred(*batch));
  const auto [live, taken] = ComputePages();
  std::map<uint64_t, AllocationPage> present;
  RAWKV_RETURN_IF_ERROR(index_.ForEachPage([&](uint64_t number, const AllocationPage& page) {
    present[number] = page;
    return Status::Ok();
  }));
  for (uint64_t number = 0; number * (kSlots / 64) < live.size(); ++number) present.try_emplace(number);
  for (const auto& [number, page] : present) {
    AllocationPage want;
    for (uint64_t w = 0; w < kSlots / 64; ++w) {
      const uint64_t at = number * (kSlots / 64) + w;
      if (at >= live.size()) break;
      want.live[w] = live[at];
      want.taken[w] = taken[at];
    }
    if (want != page) batch->PutPage(number, want);
  }
  MetaRecord meta = meta_;
  meta.live_extents = live_.size();
  meta.live_slots = meta.taken_slots = 0;
  for (const LiveExtent& l : live_) meta.live_slots += l.extent.count.value();
  meta.taken_slots = meta.live_slots;
  for (const DeferredFree& d : deferred_) meta.taken_slots += d.extent.count.value();
  batch->PutMeta(meta);
  return index_.Apply(*batch);
}

Status CheckOnePayload(std::string_view key, const IndexEntry& entry, const std::string& name,
                       PayloadIo& payload, VerifiedPayloads* seen, CheckReport* report) {
  if (entry.value.is_inline()) return Status::Ok();
  const PayloadRef& ref = std::get<PayloadRef>(entry.value.data);
  if (!seen->Add(ref)) return Status::Ok();
  const Status verified = payload.Verify(key, ref);
  if (verified.ok() || verified.refused()) return verified;
  report->findings.push_back(
      {"payload", std::string(key), entry.written_by, name + ": " + verified.ToString()});
  return Status::Ok();
}

Status CheckPayloads(KeyIndex& index, const std::string& name, PayloadIo& payload, VerifiedPayloads* seen,
                     const ProgressFn& progress, CheckReport* report) {
  const std::unique_ptr<IndexCursor> cursor = index.NewCursor("", "", nullptr);
  const Result<MetaRecord> meta = index.Meta();
  const uint64_t total = meta.ok() ? meta->live_extents : 0;
  uint64_t done = 0;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    const Result<IndexEntry> entry = cursor->entry();
    if (entry.ok()) {
      RAWKV_RETURN_IF_ERROR(CheckOnePayload(cursor->key(), *entry, name, payload, seen, report));
    }
    if (progress && entry.ok() && !entry->value.is_inline() && ++done % 16 == 0) {
      progress({"verify", done, total, "payloads"});
    }
  }
  return cursor->status();
}

}  // namespace rawkv
