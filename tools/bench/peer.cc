#include "tools/bench/peer.h"

#include "engine/admin/inspect.h"
#include "tools/bench/lmdb_peer.h"
#include "tools/bench/rawkv_peer.h"
#include "tools/bench/rocksdb_peer.h"
#include "tools/bench/values.h"

namespace rawkv::bench {

Status Peer::ReadAtDepth(ReadWork& work, uint64_t depth, Tally* tally) {
  std::vector<Tally> tallies(depth);
  const auto read = [&](uint64_t thread) -> Status {
    RAWKV_ASSIGN_OR_RETURN(const auto reader, NewReader());
    for (auto number = work.Next(); number; number = work.Next()) {
      const std::string key = KeyOf(*number);
      const auto begin = Clock::now();
      RAWKV_ASSIGN_OR_RETURN(const ConstBytes value, reader->Get(key));
      RAWKV_RETURN_IF_ERROR(work.Check(*number, value));
      tallies[thread].Add(Clock::now() - begin, value.size());
    }
    return Status::Ok();
  };
  RAWKV_RETURN_IF_ERROR(RunOnThreads(depth, read));
  for (const Tally& each : tallies) tally->Merge(each);
  return Status::Ok();
}

const std::vector<PeerKind>& PeerKinds() {
  static const std::vector<PeerKind> kinds = {
      {"rawkv", LibraryVersion(),
       "the defaults of format and open, with the device preallocated; half of the cache memory for blocks "
       "of "
       "the index, half for values of up to 16 KiB; payload is read and written with direct I/O",
       MakeRawkvPeer},
      {"rocksdb", RocksdbVersion(),
       "the defaults, with a Bloom filter of 10 bits a key, without compression; all of the cache memory for "
       "blocks; files through the page cache",
       MakeRocksdbPeer},
      {"blobdb", RocksdbVersion(),
       "as rocksdb, with values over 1 KiB in blob files, with garbage collection of blobs; blobs and blocks "
       "share the cache memory",
       MakeBlobdbPeer},
      {"lmdb", LmdbVersion(),
       "the defaults, with a map that is large enough; no read-ahead where values under 64 KiB are read in "
       "random order; the map is in the page cache, so that the limit of cache memory does not count",
       LmdbIsBuiltIn() ? MakeLmdbPeer : nullptr},
  };
  return kinds;
}

Result<PeerName> ParsePeerName(const std::string& name) {
  const std::string kind = name.substr(0, name.find(':'));
  for (const PeerKind& each : PeerKinds()) {
    if (each.name != kind) continue;
    if (kind == name) return PeerName{&each};
    if (kind != "rawkv") return Status::InvalidArgument("only rawkv has I/O engines, not " + kind);
    RAWKV_ASSIGN_OR_RETURN(const IoEngine engine, ParseIoEngine(name.substr(kind.size() + 1)));
    return PeerName{&each, engine};
  }
  return Status::InvalidArgument("there is no peer '" + name + "'; rawkv-bench list shows the peers");
}

}  // namespace rawkv::bench
