#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/fs.h"
#include "base/fs_ops.h"

namespace rawkv {

// A filesystem in memory that stops and crashes. Every change and every sync is a step. After `healthy_steps`
// every step fails without effect, as if the process had died. Crash() is a power cut: a directory returns to
// any state since its last sync; a file keeps its synced content, all that was written, or a part of it.
// Paths are absolute, and links are not followed. Single-threaded.
class CrashFs final : public Fs {
 public:
  void StopAfter(size_t healthy_steps) { healthy_steps_ = healthy_steps; }
  void Heal() { healthy_steps_ = SIZE_MAX; }
  size_t steps() const { return steps_; }
  bool stopped() const { return steps_ > healthy_steps_; }

  // With `lose_all` no unsynced change survives. Otherwise `random` decides for each file and directory on
  // its own.
  void Crash(bool lose_all, std::mt19937_64& random) {
    std::map<Node*, bool> seen;
    CrashNode(*root_, lose_all, random, seen);
    steps_ = 0;
    Heal();
  }

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    RAWKV_ASSIGN_OR_RETURN(Node * dir, Parent(path));
    const std::string name = Name(path);
    if (!dir->entries.contains(name)) {
      if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) return Status::NotFound("open " + path);
      RAWKV_RETURN_IF_ERROR(Step());
      dir->Change()[name] = std::make_shared<Node>(FileKind::kRegular);
    } else if (mode == OpenMode::kCreateNew) {
      return Status::FailedPrecondition("open " + path);
    }
    const NodePtr node = dir->entries[name];
    if (node->kind != FileKind::kRegular) return Status::IoError("open " + path + ": no file");
    return std::unique_ptr<File>(std::make_unique<CrashFile>(*this, node));
  }
  Result<FileStat> Stat(const std::string& path) override {
    RAWKV_ASSIGN_OR_RETURN(Node * node, Find(path));
    return FileStat{.kind = node->kind, .size_bytes = node->data.size()};
  }
  Result<std::vector<std::string>> List(const std::string& path) override {
    RAWKV_ASSIGN_OR_RETURN(Node * node, Find(path));
    if (node->kind != FileKind::kDirectory) return Status::IoError("list " + path);
    std::vector<std::string> names;
    for (const auto& entry : node->entries) names.push_back(entry.first);
    return names;
  }
  Status MakeDir(const std::string& path) override {
    return Add(path, std::make_shared<Node>(FileKind::kDirectory));
  }
  Status Symlink(const std::string& target, const std::string& path) override {
    auto node = std::make_shared<Node>(FileKind::kSymlink);
    node->data = target;
    return Add(path, std::move(node));
  }
  Status Link(const std::string& from, const std::string& to) override {
    RAWKV_ASSIGN_OR_RETURN(Node * dir, Parent(from));
    if (!dir->entries.contains(Name(from))) return Status::NotFound("link " + from);
    return Add(to, dir->entries[Name(from)]);
  }
  Status RemoveFile(const std::string& path) override {
    RAWKV_ASSIGN_OR_RETURN(Node * node, Find(path));
    if (node->kind == FileKind::kDirectory) return Status::IoError("unlink " + path);
    return Erase(path);
  }
  Status RemoveDir(const std::string& path) override {
    RAWKV_ASSIGN_OR_RETURN(Node * node, Find(path));
    if (node->kind != FileKind::kDirectory) return Status::IoError("rmdir " + path);
    if (!node->entries.empty()) return Status::FailedPrecondition("rmdir " + path);
    return Erase(path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    RAWKV_ASSIGN_OR_RETURN(Node * dir, Parent(from));
    RAWKV_ASSIGN_OR_RETURN(Node * to_dir, Parent(to));
    RAWKV_CHECK(dir == to_dir, "one crash state of one directory holds both names");
    const auto it = dir->entries.find(Name(from));
    if (it == dir->entries.end()) return Status::NotFound("rename " + from);
    const NodePtr node = it->second;
    if (const auto old = dir->entries.find(Name(to)); old != dir->entries.end()) {
      const bool is_dir = old->second->kind == FileKind::kDirectory;
      if (is_dir != (node->kind == FileKind::kDirectory)) return Status::IoError("rename onto " + to);
      if (!old->second->entries.empty()) return Status::FailedPrecondition("rename onto " + to);
    }
    RAWKV_RETURN_IF_ERROR(Step());
    auto& entries = dir->Change();
    entries.erase(Name(from));
    entries[Name(to)] = node;
    return {};
  }
  Result<std::string> ReadLink(const std::string& path) override {
    RAWKV_ASSIGN_OR_RETURN(Node * node, Find(path));
    if (node->kind != FileKind::kSymlink) return Status::IoError("readlink " + path);
    return node->data;
  }
  Status SyncDir(const std::string& path) override {
    RAWKV_ASSIGN_OR_RETURN(Node * node, Find(path));
    if (node->kind != FileKind::kDirectory) return Status::IoError("syncdir " + path);
    RAWKV_RETURN_IF_ERROR(Step());
    node->since_sync.clear();
    return {};
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    RAWKV_RETURN_IF_ERROR(Open(path, OpenMode::kCreate).status());
    return std::unique_ptr<FileLock>(std::make_unique<FileLock>());
  }
  Result<FsSpace> Space(const std::string&) override { return FsSpace{1ull << 40, 1ull << 40}; }

 private:
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  using Entries = std::map<std::string, NodePtr>;
  struct Node {
    explicit Node(FileKind k) : kind(k) {}
    // Records the state before a change, since a crash may restore it.
    Entries& Change() {
      since_sync.push_back(entries);
      return entries;
    }
    const FileKind kind;
    std::string data;  // content, or a symlink's target
    std::string durable_data;
    Entries entries;
    std::vector<Entries> since_sync;  // oldest first; the first is the durable one
  };

  class CrashFile final : public File {
   public:
    CrashFile(CrashFs& fs, NodePtr node) : fs_(fs), node_(std::move(node)) {}
    Result<size_t> ReadAt(uint64_t offset, Bytes out) override {
      if (offset >= node_->data.size()) return size_t{0};
      return node_->data.copy(reinterpret_cast<char*>(out.data()), out.size(), offset);
    }
    Status WriteAt(uint64_t offset, ConstBytes bytes) override {
      RAWKV_RETURN_IF_ERROR(fs_.Step());
      if (node_->data.size() < offset + bytes.size()) node_->data.resize(offset + bytes.size());
      node_->data.replace(offset, bytes.size(), AsStringView(bytes));
      return {};
    }
    Status ZeroFill(uint64_t offset, uint64_t length) override {
      return WriteAt(offset, AsBytes(std::string(length, '\0')));
    }
    Status Truncate(uint64_t size) override {
      RAWKV_RETURN_IF_ERROR(fs_.Step());
      node_->data.resize(size);
      return {};
    }
    Result<uint64_t> Size() override { return node_->data.size(); }
    Status Sync() override {
      RAWKV_RETURN_IF_ERROR(fs_.Step());
      node_->durable_data = node_->data;
      return {};
    }

   private:
    CrashFs& fs_;
    const NodePtr node_;
  };

  static std::string Name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

  Status Step() {
    ++steps_;
    return stopped() ? Status::IoError("stopped") : Status::Ok();
  }

  Result<Node*> Find(const std::string& path) {
    Node* node = root_.get();
    for (size_t begin = 1; begin < path.size();) {
      const size_t end = std::min(path.find('/', begin), path.size());
      if (node->kind != FileKind::kDirectory) return Status::IoError(path + ": not a directory");
      const auto it = node->entries.find(path.substr(begin, end - begin));
      if (it == node->entries.end()) return Status::NotFound(path);
      node = it->second.get();
      begin = end + 1;
    }
    return node;
  }

  Result<Node*> Parent(const std::string& path) {
    RAWKV_ASSIGN_OR_RETURN(Node * node, Find(ParentPath(path)));
    if (node->kind != FileKind::kDirectory) return Status::IoError(path + ": not in a directory");
    return node;
  }

  Status Add(const std::string& path, NodePtr node) {
    RAWKV_ASSIGN_OR_RETURN(Node * dir, Parent(path));
    if (dir->entries.contains(Name(path))) return Status::FailedPrecondition(path + " exists");
    RAWKV_RETURN_IF_ERROR(Step());
    dir->Change()[Name(path)] = std::move(node);
    return {};
  }

  Status Erase(const std::string& path) {
    RAWKV_ASSIGN_OR_RETURN(Node * dir, Parent(path));
    RAWKV_RETURN_IF_ERROR(Step());
    dir->Change().erase(Name(path));
    return {};
  }

  static void CrashNode(Node& node, bool lose_all, std::mt19937_64& random, std::map<Node*, bool>& seen) {
    if (!seen.emplace(&node, true).second) return;
    if (!node.since_sync.empty()) {
      // An index of since_sync, or its size for the present state.
      const size_t pick = lose_all ? 0 : random() % (node.since_sync.size() + 1);
      if (pick < node.since_sync.size()) node.entries = node.since_sync[pick];
      node.since_sync.clear();
    }
    if (node.kind == FileKind::kRegular && node.data != node.durable_data) {
      const uint64_t pick = lose_all ? 0 : random() % 3;
      if (pick == 0) node.data = node.durable_data;
      if (pick == 1) node.data.resize(random() % (node.data.size() + 1));
      node.durable_data = node.data;
    }
    for (auto& entry : node.entries) CrashNode(*entry.second, lose_all, random, seen);
  }

  const NodePtr root_ = std::make_shared<Node>(FileKind::kDirectory);
  size_t steps_ = 0;
  size_t healthy_steps_ = SIZE_MAX;
};

}  // namespace rawkv
