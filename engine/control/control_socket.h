#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace rawkv {

// A Unix socket of a store, in the abstract namespace: it has no file, needs no clean-up after a kill, and
// cannot be reached from another network namespace. Its name is made of device and inode of the store's file
// LOCK.

// kNotFound: there is no file LOCK. kFailedPrecondition: another process holds the name. kIoError.
Result<UniqueFd> ListenForRequests(const std::string& lock_path);
// A connection to the process that listens. kNotFound: no process does. kFailedPrecondition: that process
// belongs to another user.
Result<UniqueFd> ConnectToStore(const std::string& lock_path);
// Accepts a connection. kFailedPrecondition: of another user than this process' and root. kIoError.
Result<UniqueFd> AcceptRequest(const UniqueFd& listening);

// Reads until the other side shuts its connection down, at most `bytes_max` bytes. kBusy: `stop_fd` became
// readable, or nothing came for 5 s, unless stop_fd is -1, which waits for ever. kIoError.
Result<std::string> ReceiveAll(const UniqueFd& socket, uint64_t bytes_max, int stop_fd);
// Sends everything, and shuts this direction down. kIoError: also if the other side takes nothing for 5 s.
Status SendAll(const UniqueFd& socket, std::string_view bytes);

}  // namespace rawkv
