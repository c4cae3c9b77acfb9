#include "engine/control/control_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/exception_status.h"
#include "engine/control/control_socket.h"

namespace rawkv {

Status ControlServer::Start() {
  RAWKV_ASSIGN_OR_RETURN(UniqueFd listening, ListenForRequests(lock_path_));
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return Status::FromErrno(errno, "pipe");
  listening_ = std::move(listening);
  stop_ = UniqueFd(pipe[0]);
  request_stop_ = UniqueFd(pipe[1]);
  const Status started = thread_.Start([this] { Run(); });
  if (!started.ok()) {
    listening_.Reset();
    stop_.Reset();
    request_stop_.Reset();
  }
  return started;
}

void ControlServer::Stop() {
  if (!listening_.valid()) return;
  const char byte = 0;  // a single one, so that no write can be short
  while (::write(request_stop_.get(), &byte, 1) < 0 && errno == EINTR) {
  }
  thread_.Join();
  // A process that was forked meanwhile has a copy of the descriptor; this ends the socket there, too.
  (void)::shutdown(listening_.get(), SHUT_RDWR);
  listening_.Reset();
  stop_.Reset();
  request_stop_.Reset();
}

void ControlServer::Run() {
  for (;;) {
    std::array<pollfd, 2> fds = {pollfd{.fd = listening_.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0}};
    const int ready = ::poll(fds.data(), fds.size(), -1);
    if (ready < 0 && errno == EINTR) continue;
    if (fds[1].revents != 0) return;
    const Status served = ready < 0 ? Status::FromErrno(errno, "poll") : NoThrow([this] { return Serve(); });
    if (served.ok()) continue;
    (void)NoThrow([&]() -> Status {
      logger_.Log(LogLevel::kWarning, "a request to the open store failed: " + served.ToString());
      return Status::Ok();
    });
    // Without descriptors or memory, the connection stays in the queue. Waits a moment, or for the stop.
    (void)::poll(&fds[1], 1, 100);
  }
}

Status ControlServer::Serve() {
  RAWKV_ASSIGN_OR_RETURN(const UniqueFd socket, AcceptRequest(listening_));
  RAWKV_ASSIGN_OR_RETURN(const std::string bytes, ReceiveAll(socket, 2 * kMaxRequestBytes, stop_.get()));
  if (bytes.empty()) return Status::Ok();  // the other side only looked whether somebody answers
  ControlReply reply;
  const Result<ControlRequest> request = DecodeControlRequest(bytes);
  if (request.ok()) {
    reply.status = NoThrow([&]() -> Status {
      reply = perform_(*request);
      return reply.status;
    });
  } else {
    reply.status = request.status();
  }
  return SendAll(socket, EncodeControlReply(reply));
}

}  // namespace rawkv
