#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "blockdev/open_block_device.h"
#include "tools/bench/read_work.h"

namespace rawkv {
class Engine;
}

namespace rawkv::bench {

struct Entry {
  std::string_view key;
  ConstBytes value;
};

// When a commit returns: once it is durable, or once it is visible.
enum class CommitMode : uint8_t { kDurable, kUnsynced };
// The order of the reads after an open, for peers that let the kernel read ahead.
enum class Access : uint8_t { kRandom, kSequential };

// What a peer is opened with. All peers of a run get the same memory.
struct PeerOptions {
  std::string dir;                     // of this peer alone; Open makes it
  std::string device;                  // of rawkv; empty: a file in `dir`
  IoEngine engine = IoEngine::kAuto;   // of rawkv
  uint64_t value_bytes = 0;            // length of every value
  uint64_t data_bytes = 0;             // of all values together
  uint64_t cache_bytes = 64ull << 20;  // for caches, beyond write buffers and the kernel's page cache
};

// Reads keys on one thread, as a user of the peer would: without a copy where the peer needs none.
class Reader {
 public:
  virtual ~Reader() = default;
  // The value, valid until the next call. kNotFound: there is no such key.
  virtual Result<ConstBytes> Get(std::string_view key) = 0;
};

using OnEntry = std::function<Status(std::string_view key, ConstBytes value)>;

// A key-value store that is measured. Thread-safe, except Open, Close, MultiGet, Rest and Resume, during
// which no other call may run. After Close, Open opens the same content again.
class Peer {
 public:
  virtual ~Peer() = default;

  virtual Status Open(Access access) = 0;  // makes an empty store if there is none
  virtual Status Close() = 0;              // idempotent
  // Puts all entries as one atomic commit.
  virtual Status Commit(std::span<const Entry> entries, CommitMode mode) = 0;
  virtual Status Sync() = 0;  // makes every commit durable
  virtual Result<std::unique_ptr<Reader>> NewReader() = 0;
  // Reads all keys with one call, and calls `fn` for each in their order. kNotFound: one of them is missing.
  virtual Status MultiGet(std::span<const std::string_view> keys, const OnEntry& fn) = 0;
  // Calls `fn` for up to `count` entries in byte order, from the first key at or above `first`.
  virtual Status Scan(std::string_view first, uint64_t count, const OnEntry& fn) = 0;
  // Reads the keys of `work` with `depth` reads under way: by default, each on a thread of its own.
  virtual Status ReadAtDepth(ReadWork& work, uint64_t depth, Tally* tally);
  // Moves what was loaded to the place where it stays: after a load, before the first measurement.
  virtual Status Settle() = 0;
  // Stops the peer's work in the background while others are measured, where the peer can do so. Resume
  // continues it.
  virtual Status Rest() { return Status::Ok(); }
  virtual Status Resume() { return Status::Ok(); }
  // Makes a durable copy of the present state that later commits do not change. kNotSupported.
  virtual Status Snapshot() = 0;
  // Bytes that the content takes on the disk.
  virtual Result<uint64_t> SpaceBytes() = 0;
  // The engine, for the workloads on versions; null for the other peers.
  virtual Engine* engine() { return nullptr; }
};

// A kind of peer, and how it is configured, for the report.
struct PeerKind {
  std::string name;           // "rocksdb"
  std::string version;        // of the library, or why this build lacks the peer
  std::string configuration;  // one sentence
  std::unique_ptr<Peer> (*make)(const PeerOptions& options) = nullptr;  // null: not in this build
};

const std::vector<PeerKind>& PeerKinds();
// "rawkv:posix" is rawkv with that I/O engine. kInvalidArgument: there is no such peer.
struct PeerName {
  const PeerKind* kind = nullptr;
  IoEngine engine = IoEngine::kAuto;
};
Result<PeerName> ParsePeerName(const std::string& name);

}  // namespace rawkv::bench
