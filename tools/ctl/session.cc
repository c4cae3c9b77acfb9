#include "tools/ctl/session.h"

#include "tools/ctl/store_access.h"

namespace rawkv::ctl {

Result<Engine*> Session::Use(Invocation& call) {
  if (engine_ == nullptr) {
    RAWKV_ASSIGN_OR_RETURN(engine_, OpenEngine(call));
  } else if (call.flags.read_only) {
    RAWKV_RETURN_IF_ERROR(engine_->Refresh());
  }
  return engine_.get();
}

Status Session::Close() {
  if (engine_ == nullptr) return Status::Ok();
  const Status closed = engine_->Close();
  engine_.reset();
  return closed;
}

}  // namespace rawkv::ctl
