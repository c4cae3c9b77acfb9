#pragma once

#include <memory>

#include "engine/engine.h"
#include "tools/ctl/command.h"

namespace rawkv::ctl {

// The store of a shell, which stays open from command to command.
class Session {
 public:
  // The open engine. Opens the store if it is closed. With --read_only it is at the newest version. The
  // engine belongs to the session. kFailedPrecondition and the other errors of an open.
  Result<Engine*> Use(Invocation& call);
  // The engine if the store is open now, else null.
  Engine* engine() const { return engine_.get(); }
  // Closes the store. The next Use opens it again. Idempotent.
  Status Close();

 private:
  std::unique_ptr<Engine> engine_;
};

// The open store of a command: its own, or that of the session.
class OpenedStore {
 public:
  explicit OpenedStore(std::unique_ptr<Engine> own) : own_(std::move(own)), engine_(own_.get()) {}
  explicit OpenedStore(Engine* shared) : engine_(shared) {}

  Engine* operator->() const { return engine_; }
  Engine& operator*() const { return *engine_; }
  // Closes an own store. That of a session stays open.
  Status Close() const { return own_ == nullptr ? Status::Ok() : own_->Close(); }

 private:
  std::unique_ptr<Engine> own_;
  Engine* engine_;
};

}  // namespace rawkv::ctl
