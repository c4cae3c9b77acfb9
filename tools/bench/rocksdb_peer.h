#pragma once

#include <memory>
#include <string>

#include "tools/bench/peer.h"

namespace rawkv::bench {

std::unique_ptr<Peer> MakeRocksdbPeer(const PeerOptions& options);
// RocksDB with large values in blob files.
std::unique_ptr<Peer> MakeBlobdbPeer(const PeerOptions& options);
std::string RocksdbVersion();

}  // namespace rawkv::bench
