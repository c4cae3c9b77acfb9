#pragma once

#include <memory>

#include "tools/bench/peer.h"

namespace rawkv::bench {

// rawkv through its public API. At a depth of more than 1 it reads through one session.
std::unique_ptr<Peer> MakeRawkvPeer(const PeerOptions& options);

}  // namespace rawkv::bench
