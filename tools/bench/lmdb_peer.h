#pragma once

#include <memory>
#include <string>

#include "tools/bench/peer.h"

namespace rawkv::bench {

// Only called if LmdbIsBuiltIn().
std::unique_ptr<Peer> MakeLmdbPeer(const PeerOptions& options);
bool LmdbIsBuiltIn();
std::string LmdbVersion();  // or why LMDB is not built in

}  // namespace rawkv::bench
