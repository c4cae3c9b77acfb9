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

// Decides which unsynced changes reach the disk. CrashStates asks only about changes that the fault model
// (docs/fault_model.md) leaves open.
class CrashChooser {
 public:
  enum class Medium : uint8_t { kFile, kDevice };
  virtual ~CrashChooser() = default;
  // The unit into which a write may be torn: 512 or 4096 bytes.
  virtual uint64_t block_bytes() const = 0;
  // `changes` (places in the trace) have changed a block of a file or device since its last sync. Returns how
  // many of them, from the first on, reached the disk.
  virtual size_t Block(Medium medium, uint64_t block, const std::vector<size_t>& changes) = 0;
  // The same for the size of a file.
  virtual size_t Size(const std::vector<size_t>& changes) = 0;
  // Whether the change of a directory entry at this place of the trace reached the disk.
  virtual bool Entry(size_t change) = 0;
};

// Follows a trace. Knows at each place which changes a power cut must keep and which it may lose. Not
// thread-safe.
class CrashStates {
 public:
  // Everything in `durable` is durable.
  explicit CrashStates(DiskImage durable) : durable_(std::move(durable)) {}

  void Advance(const TraceEvent& event);
  size_t place() const { return place_; }  // number of events so far

  const DiskImage& durable() const { return durable_; }
  DiskImage Build(CrashChooser& chooser) const;

  // Places in the trace of the unsynced changes, in order: of content and sizes, and of entries.
  std::vector<size_t> PendingContent() const;
  std::vector<size_t> PendingEntries() const;
  // The same for files or devices whose path ends in `path_end`.
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
