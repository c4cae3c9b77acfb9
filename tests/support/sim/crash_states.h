#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/sim/disk_image.h"
#include "tests/support/sim/trace.h"

namespace rawkv {

// Decides what of the unsynced reaches the disk. Which answers are possible at all is CrashStates'
// business: it asks only what the fault model (docs/fault_model.md) leaves open.
class CrashChooser {
 public:
  enum class Medium : uint8_t { kFile, kDevice };
  virtual ~CrashChooser() = default;
  // What a write may be torn into: 512 or 4096.
  virtual uint64_t block_bytes() const = 0;
  // A block of a file or device that `changes` (by their place in the trace) have touched since it was
  // last durable: how many of them, from the first, it has seen.
  virtual size_t Block(Medium medium, uint64_t block, const std::vector<size_t>& changes) = 0;
  // A file whose size changed at each of `changes`: the same for its size.
  virtual size_t Size(const std::vector<size_t>& changes) = 0;
  // Whether the change of directory entries at this place of the trace has arrived.
  virtual bool Entry(size_t change) = 0;
};

// Follows a trace and knows, at each place in it, what a power cut there must have kept and what it may
// have lost. Not thread-safe.
class CrashStates {
 public:
  // Everything in `durable` is durable.
  explicit CrashStates(DiskImage durable) : durable_(std::move(durable)) {}

  void Advance(const TraceEvent& event);
  size_t place() const { return place_; }  // events seen

  const DiskImage& durable() const { return durable_; }
  DiskImage Build(CrashChooser& chooser) const;

  // Places in the trace of what is at risk now, in order: changes of content and sizes; of entries.
  std::vector<size_t> PendingContent() const;
  std::vector<size_t> PendingEntries() const;
  // Of files or devices whose path ends so, in order.
  std::vector<size_t> PendingContentOf(const std::string& path_end) const;

 private:
  using Kind = TraceEvent::Kind;
  struct Change {
    size_t place = 0;
    TraceEvent event;
  };
  // A file's or device's changes since its last sync.
  using Changes = std::vector<Change>;

  static void Apply(const TraceEvent& event, PagedBytes* data);
  static void ApplyWithin(const TraceEvent& event, uint64_t begin, uint64_t end, PagedBytes* data);
  static bool Touches(const TraceEvent& event, uint64_t begin, uint64_t end);
  static std::set<uint64_t> BlocksOf(const Changes& changes, const PagedBytes& before, uint64_t block_bytes);
  static void BuildContent(const Changes& changes, CrashChooser::Medium medium, CrashChooser& chooser,
                           PagedBytes* data);
  void ApplyEntry(const TraceEvent& event, DiskImage* image) const;
  void BuildEntries(CrashChooser& chooser, DiskImage* image) const;

  DiskImage durable_;
  std::map<InodeId, Changes> files_;
  std::map<std::string, Changes> devices_;
  std::vector<Change> entries_;  // of all directories
  size_t place_ = 0;
};

}  // namespace rawkv
