#include "tests/support/sim/crash_states.h"

#include <algorithm>

#include "base/check.h"

namespace rawkv {

void CrashStates::Advance(const TraceEvent& event) {
  const Change change{place_++, event};
  switch (event.kind) {
    case Kind::kWrite:
    case Kind::kZero:
    case Kind::kResize:
      files_[event.inode].push_back(change);
      return;
    case Kind::kSyncFile: {
      const auto pending = files_.find(event.inode);
      if (pending == files_.end()) return;
      PagedBytes& data = durable_.Own(event.inode).data;
      for (const Change& c : pending->second) Apply(c.event, &data);
      files_.erase(pending);
      return;
    }
    case Kind::kEnter:
      // Adds the inode at once: without an entry nothing can reach it.
      if (event.is_new) durable_.AddAs(event.inode, event.new_kind, event.bytes);
      entries_.push_back(change);
      return;
    case Kind::kLeave:
    case Kind::kRename:
      entries_.push_back(change);
      return;
    case Kind::kSyncDir: {
      for (const Change& c : entries_) {
        if (c.event.dir == event.dir) ApplyEntry(c.event, &durable_);
      }
      std::erase_if(entries_, [&](const Change& c) { return c.event.dir == event.dir; });
      return;
    }
    case Kind::kDeviceWrite:
    case Kind::kDeviceDiscard:
    case Kind::kDeviceResize:
      devices_[event.path].push_back(change);
      return;
    case Kind::kDeviceFlush: {
      PagedBytes& data = durable_.devices().at(event.path);
      for (const Change& c : devices_[event.path]) Apply(c.event, &data);
      devices_.erase(event.path);
      return;
    }
    case Kind::kMark:
      return;
  }
}

void CrashStates::Apply(const TraceEvent& event, PagedBytes* data) {
  switch (event.kind) {
    case Kind::kWrite:
    case Kind::kDeviceWrite:
      data->Write(event.offset, AsBytes(event.bytes));
      return;
    case Kind::kZero:
      data->Zero(event.offset, event.length);
      return;
    case Kind::kDeviceDiscard:
      data->Write(event.offset, AsBytes(DiscardedBytes(event.length)));
      return;
    case Kind::kResize:
    case Kind::kDeviceResize:
      data->Resize(event.length);
      return;
    default:
      RAWKV_CHECK(false, "no change of content");
  }
}

bool CrashStates::Touches(const TraceEvent& event, uint64_t begin, uint64_t end) {
  switch (event.kind) {
    case Kind::kWrite:
    case Kind::kDeviceWrite:
      return event.offset < end && event.offset + event.bytes.size() > begin;
    case Kind::kResize:
      return event.length < end;  // content after the new end is gone
    case Kind::kDeviceResize:
      return false;  // it only grows
    default:
      return event.offset < end && event.offset + event.length > begin;
  }
}

void CrashStates::ApplyWithin(const TraceEvent& event, uint64_t begin, uint64_t end, PagedBytes* data) {
  if (event.kind == Kind::kWrite || event.kind == Kind::kDeviceWrite) {
    const uint64_t from = std::max(begin, event.offset);
    const uint64_t to = std::min(end, event.offset + event.bytes.size());
    data->Write(from, AsBytes(event.bytes).subspan(from - event.offset, to - from));
    return;
  }
  const uint64_t from =
      event.kind == Kind::kResize ? std::max(begin, event.length) : std::max(begin, event.offset);
  const uint64_t to = event.kind == Kind::kResize ? end : std::min(end, event.offset + event.length);
  // Does not write after the end: the size is chosen independently.
  const uint64_t last = std::min(to, data->size());
  if (from >= last) return;
  if (event.kind == Kind::kDeviceDiscard) {
    data->Write(from, AsBytes(DiscardedBytes(last - from)));
  } else {
    data->Zero(from, last - from);
  }
}

std::set<uint64_t> CrashStates::BlocksOf(const Changes& changes, const PagedBytes& before,
                                         uint64_t block_bytes) {
  std::set<uint64_t> blocks;
  const auto add = [&](uint64_t begin, uint64_t end) {
    for (uint64_t b = begin / block_bytes; b * block_bytes < end; ++b) blocks.insert(b);
  };
  // Zeros over zeros change nothing. Any other content under zeros was written before or by another of these
  // changes.
  for (const Change& c : changes) {
    if (c.event.kind == Kind::kDeviceResize) continue;
    if (c.event.kind == Kind::kWrite || c.event.kind == Kind::kDeviceWrite) {
      add(c.event.offset, c.event.offset + c.event.bytes.size());
      continue;
    }
    if (c.event.kind == Kind::kDeviceDiscard) {
      add(c.event.offset, c.event.offset + c.event.length);
      continue;
    }
    const uint64_t begin = c.event.kind == Kind::kResize ? c.event.length : c.event.offset;
    const uint64_t end = c.event.kind == Kind::kResize ? before.size() : c.event.offset + c.event.length;
    for (uint64_t at = begin; at < std::min(end, before.size());) {
      const uint64_t next = std::min((at / block_bytes + 1) * block_bytes, end);
      if (!before.IsZero(at, next - at)) add(at, next);
      at = next;
    }
  }
  return blocks;
}

void CrashStates::BuildContent(const Changes& changes, CrashChooser::Medium medium, CrashChooser& chooser,
                               PagedBytes* data) {
  // The size of a device changes only if the store makes its file larger.
  const bool sized = medium == CrashChooser::Medium::kFile ||
                     std::any_of(changes.begin(), changes.end(),
                                 [](const Change& c) { return c.event.kind == Kind::kDeviceResize; });
  const uint64_t block_bytes = chooser.block_bytes();
  uint64_t size = data->size();
  std::vector<size_t> places;
  std::vector<uint64_t> sizes{size};
  for (const Change& c : changes) {
    const uint64_t end = c.event.offset + std::max<uint64_t>(c.event.bytes.size(), c.event.length);
    const bool resized = c.event.kind == Kind::kResize || c.event.kind == Kind::kDeviceResize;
    const uint64_t now = resized ? c.event.length : std::max(sizes.back(), end);
    if (!sized || now == sizes.back()) continue;
    places.push_back(c.place);
    sizes.push_back(now);
  }
  if (!places.empty()) size = sizes[chooser.Size(places)];

  const PagedBytes before = *data;
  for (const uint64_t block : BlocksOf(changes, before, block_bytes)) {
    const uint64_t begin = block * block_bytes;
    const uint64_t end = begin + block_bytes;
    std::vector<size_t> touching;
    for (const Change& c : changes) {
      if (Touches(c.event, begin, end)) touching.push_back(c.place);
    }
    size_t seen = chooser.Block(medium, block, touching);
    for (const Change& c : changes) {
      if (seen == 0) break;
      if (!Touches(c.event, begin, end)) continue;
      ApplyWithin(c.event, begin, end, data);
      --seen;
    }
  }
  if (sized) data->Resize(size);
}

void CrashStates::ApplyEntry(const TraceEvent& event, DiskImage* image) const {
  auto& entries = image->Own(event.dir).entries;
  switch (event.kind) {
    case Kind::kEnter:
      entries[event.name] = event.inode;
      return;
    case Kind::kLeave:
      entries.erase(event.name);
      return;
    case Kind::kRename: {
      const auto from = entries.find(event.name);
      if (from != entries.end() && from->second == event.inode) entries.erase(from);
      entries[event.to_name] = event.inode;
      return;
    }
    default:
      RAWKV_CHECK(false, "no change of entries");
  }
}

void CrashStates::BuildEntries(CrashChooser& chooser, DiskImage* image) const {
  std::set<size_t> chosen;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!chooser.Entry(entries_[i].place)) continue;
    chosen.insert(i);
    // A rename also brings the earlier moves of the same inode: the renamed entry must have been there.
    if (entries_[i].event.kind == Kind::kEnter) continue;
    for (size_t j = 0; j < i; ++j) {
      if (entries_[j].event.inode == entries_[i].event.inode &&
          entries_[j].event.dir == entries_[i].event.dir &&
          (entries_[j].event.kind == Kind::kRename || entries_[j].event.name == entries_[i].event.name)) {
        chosen.insert(j);
      }
    }
  }
  for (const size_t i : chosen) ApplyEntry(entries_[i].event, image);
}

DiskImage CrashStates::Build(CrashChooser& chooser) const {
  DiskImage image = durable_;
  for (const auto& [inode, changes] : files_) {
    BuildContent(changes, CrashChooser::Medium::kFile, chooser, &image.Own(inode).data);
  }
  for (const auto& [path, changes] : devices_) {
    BuildContent(changes, CrashChooser::Medium::kDevice, chooser, &image.devices().at(path));
  }
  BuildEntries(chooser, &image);
  return image;
}

std::vector<size_t> CrashStates::PendingContent() const {
  return PendingContentOf("");
}

std::vector<size_t> CrashStates::PendingContentOf(const std::string& path_end) const {
  std::vector<size_t> places;
  const auto add = [&](const Changes& changes) {
    for (const Change& c : changes) {
      if (c.event.path.ends_with(path_end)) places.push_back(c.place);
    }
  };
  for (const auto& file : files_) add(file.second);
  for (const auto& device : devices_) add(device.second);
  std::sort(places.begin(), places.end());
  return places;
}

std::vector<size_t> CrashStates::PendingEntries() const {
  std::vector<size_t> places;
  for (const Change& c : entries_) places.push_back(c.place);
  return places;
}

}  // namespace rawkv
