#include "tests/support/sim/disk_image.h"

#include <algorithm>

#include "base/check.h"
#include "base/checksum.h"

namespace rawkv {
namespace {

class TreeHasher {
 public:
  explicit TreeHasher(const DiskImage& image) : image_(image) {}

  void Visit(InodeId id) {
    const Inode& inode = image_.Get(id);
    words_.push_back(static_cast<uint64_t>(inode.kind));
    switch (inode.kind) {
      case FileKind::kDirectory:
        words_.push_back(inode.entries.size());
        for (const auto& [name, child] : inode.entries) {
          words_.push_back(Xxh3(AsBytes(name)));
          // Nothing depends on the content of these files (holder, reserve, RocksDB's lock), so that it does
          // not distinguish states.
          if (name != "LOCK" && name != "reserve") Visit(child);
        }
        return;
      case FileKind::kSymlink:
        words_.push_back(Xxh3(AsBytes(inode.target)));
        return;
      default:
        break;
    }
    // Numbers the inodes in the order of the first visit, so that equal links give equal hashes.
    const auto [at, first] = seen_.emplace(id, seen_.size());
    words_.push_back(at->second);
    if (first) words_.push_back(inode.data.Hash());
  }

  uint64_t Finish() {
    for (const auto& [path, data] : image_.devices()) {
      words_.push_back(Xxh3(AsBytes(path)));
      words_.push_back(data.Hash());
    }
    return Xxh3(std::as_bytes(std::span(words_)));
  }

 private:
  const DiskImage& image_;
  std::map<InodeId, size_t> seen_;
  std::vector<uint64_t> words_;
};

void DescribeTree(const DiskImage& image, InodeId id, const std::string& path, std::string* out) {
  const Inode& inode = image.Get(id);
  if (inode.kind == FileKind::kSymlink) {
    *out += path + " -> " + inode.target + "\n";
  } else if (inode.kind == FileKind::kRegular) {
    *out += path + " #" + std::to_string(id) + " " + std::to_string(inode.data.size()) + " bytes, hash " +
            std::to_string(inode.data.Hash() % 1000000) + "\n";
  } else {
    if (inode.entries.empty()) *out += path + "/\n";
    for (const auto& [name, child] : inode.entries) DescribeTree(image, child, path + "/" + name, out);
  }
}

}  // namespace

DiskImage::DiskImage() : inodes_(kRoot + 1) {
  inodes_[kRoot] = std::make_shared<Inode>(Inode{.kind = FileKind::kDirectory});
}

Inode& DiskImage::Own(InodeId id) {
  std::shared_ptr<Inode>& slot = inodes_[id];
  if (slot.use_count() > 1) slot = std::make_shared<Inode>(*slot);
  return *slot;
}

InodeId DiskImage::Add(FileKind kind) {
  inodes_.push_back(std::make_shared<Inode>(Inode{.kind = kind}));
  return static_cast<InodeId>(inodes_.size() - 1);
}

void DiskImage::AddAs(InodeId id, FileKind kind, const std::string& target) {
  if (id >= inodes_.size()) inodes_.resize(id + 1);
  RAWKV_CHECK(inodes_[id] == nullptr, "an inode's number is given once");
  inodes_[id] = std::make_shared<Inode>(Inode{.kind = kind, .target = target});
}

Result<InodeId> DiskImage::Find(std::string_view path) const {
  RAWKV_CHECK(path.starts_with('/'), "paths are absolute here");
  InodeId id = kRoot;
  for (size_t begin = 1; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) {
      const Inode& dir = Get(id);
      if (dir.kind != FileKind::kDirectory) return Status::IoError(std::string(path) + ": not a directory");
      const auto entry = dir.entries.find(std::string(path.substr(begin, end - begin)));
      if (entry == dir.entries.end()) return Status::NotFound(std::string(path));
      id = entry->second;
    }
    begin = end + 1;
  }
  return id;
}

Result<DiskImage::Place> DiskImage::PlaceOf(std::string_view path) const {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  RAWKV_ASSIGN_OR_RETURN(const InodeId dir, Find(path.substr(0, std::max<size_t>(slash, 1))));
  if (Get(dir).kind != FileKind::kDirectory) {
    return Status::IoError(std::string(path) + ": not in a directory");
  }
  return Place{dir, std::string(path.substr(slash + 1))};
}

InodeId DiskImage::EntryOf(const Place& place) const {
  const auto& entries = Get(place.dir).entries;
  const auto entry = entries.find(place.name);
  return entry == entries.end() ? 0 : entry->second;
}

uint64_t DiskImage::Hash() const {
  TreeHasher hasher(*this);
  hasher.Visit(kRoot);
  return hasher.Finish();
}

std::string DiskImage::Describe() const {
  std::string out;
  DescribeTree(*this, kRoot, "", &out);
  for (const auto& [path, data] : devices_) {
    out += "device " + path + " " + std::to_string(data.size()) + " bytes, hash " +
           std::to_string(data.Hash() % 1000000) + "\n";
  }
  return out;
}

}  // namespace rawkv
