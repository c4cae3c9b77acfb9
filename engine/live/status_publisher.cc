#include "engine/live/status_publisher.h"

#include <unistd.h>

#include <utility>

#include "base/exception_status.h"
#include "engine/store/store_lock.h"

namespace rawkv {

StatusPublisher::StatusPublisher(StoreContext& context, std::function<WriterStatus()> describe)
    : context_(context), describe_(std::move(describe)), opened_unix_ms_(context.env.clock->NowUnixMs()) {}

void StatusPublisher::Start() {
  // A reader recognises this process by the name that LOCK has for it.
  self_ = ReadLockHolder(*context_.env.fs, context_.paths.dir).value_or(WriterInfo{.pid = ::getpid()});
  started_ = true;
  (void)NoThrow([this] { return context_.env.fs->RemoveFile(context_.paths.status()); });
  if (context_.options.status_interval_ms == 0) return;
  const Status running = NoThrow([this] { return thread_.Start([this] { Run(); }); });
  if (!running.ok()) {
    context_.env.logger->Log(LogLevel::kWarning, context_.paths.dir + ": the state in " +
                                                     context_.paths.status() +
                                                     " stays that of the open: " + running.ToString());
  }
}

void StatusPublisher::Run() {
  const auto interval_ms = static_cast<int64_t>(context_.options.status_interval_ms);
  MutexLock lock(stop_mu_);
  while (!stop_) {
    if (stopping_.WaitForMs(stop_mu_, interval_ms) || stop_) continue;
    stop_mu_.Unlock();
    Publish();
    stop_mu_.Lock();
  }
}

void StatusPublisher::Publish() {
  MutexLock lock(mu_);
  const Status written = NoThrow([this]() RAWKV_NO_THREAD_SAFETY_ANALYSIS { return Write(); });
  if (written.ok() || ++failures_ > 1) return;
  (void)NoThrow([&]() -> Status {
    context_.env.logger->Log(LogLevel::kWarning, context_.paths.status() +
                                                     ": `info` of other processes cannot show the present "
                                                     "state (" +
                                                     written.ToString() + "); later failures are not logged");
    return Status::Ok();
  });
}

Status StatusPublisher::Write() {
  WriterStatus now = describe_();
  now.opened_unix_ms = opened_unix_ms_;
  now.unix_ms = published_ ? published_->unix_ms : 0;
  if (published_ && now == *published_) return Status::Ok();
  now.unix_ms = context_.env.clock->NowUnixMs();
  WriterInfo writer = self_;
  writer.status = now;
  RAWKV_RETURN_IF_ERROR(
      SaveWriterStatus(*context_.env.fs, context_.paths.status(), writer, context_.identity.store_uuid));
  published_ = std::move(now);
  return Status::Ok();
}

void StatusPublisher::Stop() {
  if (!std::exchange(started_, false)) return;
  {
    MutexLock lock(stop_mu_);
    stop_ = true;
    stopping_.NotifyAll();
  }
  thread_.Join();
  (void)NoThrow([this] { return context_.env.fs->RemoveFile(context_.paths.status()); });
}

uint64_t StatusPublisher::failures() const {
  MutexLock lock(mu_);
  return failures_;
}

}  // namespace rawkv
