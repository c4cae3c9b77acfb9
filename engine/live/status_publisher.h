#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/thread.h"
#include "engine/live/writer_status.h"
#include "engine/store/store_context.h"

namespace rawkv {

// Publishes the state of an open store in the file STATUS, from a thread of its own, so that no commit waits
// for it. An error in writing the file changes nothing for the store: it is counted, and the first one is
// logged. Thread-safe, except Start, Stop and the destructor.
class StatusPublisher {
 public:
  // `describe` fills in everything but the times. The publisher's thread calls it.
  StatusPublisher(StoreContext& context, std::function<WriterStatus()> describe);
  ~StatusPublisher() { Stop(); }
  // Removes the file of an earlier writer, and starts the thread. Without a thread, or with an interval of 0,
  // only Publish publishes.
  void Start();
  // Writes the file, unless it has the same content already.
  void Publish();
  // Ends the thread and removes the file. Idempotent.
  void Stop();
  uint64_t failures() const;

 private:
  void Run();
  Status Write() RAWKV_REQUIRES(mu_);

  StoreContext& context_;
  const std::function<WriterStatus()> describe_;
  const uint64_t opened_unix_ms_;
  WriterInfo self_;  // constant after Start

  mutable Mutex mu_;
  std::optional<WriterStatus> published_ RAWKV_GUARDED_BY(mu_);
  uint64_t failures_ RAWKV_GUARDED_BY(mu_) = 0;

  Mutex stop_mu_;
  CondVar stopping_;
  bool stop_ RAWKV_GUARDED_BY(stop_mu_) = false;
  bool started_ = false;
  Thread thread_;
};

}  // namespace rawkv
