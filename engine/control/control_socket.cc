#include "engine/control/control_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace rawkv {
namespace {

constexpr int kPatienceSeconds = 5;

struct Address {
  sockaddr_un name{};
  socklen_t bytes = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }
};

Result<Address> AddressOf(const std::string& lock_path) {
  struct stat lock {};
  if (::stat(lock_path.c_str(), &lock) != 0) return Status::FromErrno(errno, "stat " + lock_path);
  Address address;
  address.name.sun_family = AF_UNIX;
  // The zero at the front selects the abstract namespace.
  const int length =
      std::snprintf(address.name.sun_path + 1, sizeof(address.name.sun_path) - 1, "rawkv-%lx-%lx",
                    static_cast<unsigned long>(lock.st_dev), static_cast<unsigned long>(lock.st_ino));
  address.bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + static_cast<size_t>(length));
  return address;
}

Result<UniqueFd> MakeSocket() {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return Status::FromErrno(errno, "socket");
  return socket;
}

Status CheckPeer(const UniqueFd& socket, uid_t also) {
  ucred peer{};
  socklen_t bytes = sizeof(peer);
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
    return Status::FromErrno(errno, "SO_PEERCRED");
  if (peer.uid == 0 || peer.uid == ::geteuid() || peer.uid == also) return Status::Ok();
  return Status::FailedPrecondition("process " + std::to_string(peer.pid) + " of user " +
                                    std::to_string(peer.uid) + " has no right to it");
}

}  // namespace

Result<UniqueFd> ListenForRequests(const std::string& lock_path) {
  RAWKV_ASSIGN_OR_RETURN(const Address address, AddressOf(lock_path));
  RAWKV_ASSIGN_OR_RETURN(UniqueFd socket, MakeSocket());
  if (::bind(socket.get(), address.get(), address.bytes) != 0) {
    if (errno == EADDRINUSE) {
      return Status::FailedPrecondition(
          "another process holds the name of the store's socket, such as one that was "
          "forked while the store was open");
    }
    return Status::FromErrno(errno, "bind");
  }
  if (::listen(socket.get(), 8) != 0) return Status::FromErrno(errno, "listen");
  return socket;
}

Result<UniqueFd> ConnectToStore(const std::string& lock_path) {
  struct stat lock {};
  if (::stat(lock_path.c_str(), &lock) != 0) return Status::FromErrno(errno, "stat " + lock_path);
  RAWKV_ASSIGN_OR_RETURN(const Address address, AddressOf(lock_path));
  RAWKV_ASSIGN_OR_RETURN(UniqueFd socket, MakeSocket());
  while (::connect(socket.get(), address.get(), address.bytes) != 0) {
    if (errno == EINTR) continue;
    if (errno == ECONNREFUSED) return Status::NotFound("no process takes requests for the store");
    return Status::FromErrno(errno, "connect");
  }
  RAWKV_RETURN_IF_ERROR(CheckPeer(socket, lock.st_uid));
  return socket;
}

Result<UniqueFd> AcceptRequest(const UniqueFd& listening) {
  int accepted = -1;
  do {
    accepted = ::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC);
  } while (accepted < 0 && errno == EINTR);
  UniqueFd socket(accepted);
  if (!socket.valid()) return Status::FromErrno(errno, "accept");
  RAWKV_RETURN_IF_ERROR(CheckPeer(socket, ::geteuid()));
  const timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0)
    return Status::FromErrno(errno, "SO_SNDTIMEO");
  return socket;
}

Result<std::string> ReceiveAll(const UniqueFd& socket, uint64_t bytes_max, int stop_fd) {
  std::string received;
  std::array<char, 4096> piece;
  for (;;) {
    std::array<pollfd, 2> fds = {pollfd{.fd = socket.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = stop_fd, .events = POLLIN, .revents = 0}};
    const int ready = ::poll(fds.data(), fds.size(), stop_fd < 0 ? -1 : kPatienceSeconds * 1000);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return Status::FromErrno(errno, "poll");
    if (ready == 0 || fds[1].revents != 0) return Status::Busy("the other side sends nothing");
    const ssize_t n = ::read(socket.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Status::FromErrno(errno, "read");
    if (n == 0) return received;
    received.append(piece.data(), static_cast<size_t>(n));
    if (received.size() > bytes_max) return Status::IoError("the other side sends too much");
  }
}

Status SendAll(const UniqueFd& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Status::FromErrno(errno, "send");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  if (::shutdown(socket.get(), SHUT_WR) != 0) return Status::FromErrno(errno, "shutdown");
  return Status::Ok();
}

}  // namespace rawkv
