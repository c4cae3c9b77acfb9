#include "engine/live/operation_gate.h"

namespace rawkv {

Result<OperationGate::Pass> OperationGate::Enter() {
  MutexLock lock(mu_);
  while (closed_.ok() && !shut_.ok()) changed_.Wait(mu_);
  RAWKV_RETURN_IF_ERROR(closed_);
  return Admit();
}

Result<OperationGate::Pass> OperationGate::EnterUnlessShut() {
  MutexLock lock(mu_);
  RAWKV_RETURN_IF_ERROR(closed_);
  RAWKV_RETURN_IF_ERROR(shut_);
  return Admit();
}

OperationGate::Pass OperationGate::Admit() {
  ++inside_;
  return Pass(this);
}

void OperationGate::Leave() {
  MutexLock lock(mu_);
  if (--inside_ == 0) changed_.NotifyAll();
}

void OperationGate::WaitUntilEmpty() {
  while (inside_ != 0) changed_.Wait(mu_);
}

void OperationGate::ShutFor(const Status& reason) {
  MutexLock lock(mu_);
  shut_ = reason;
  WaitUntilEmpty();
}

void OperationGate::Reopen() {
  MutexLock lock(mu_);
  shut_ = Status::Ok();
  changed_.NotifyAll();
}

void OperationGate::Close(const Status& reason) {
  MutexLock lock(mu_);
  closed_ = reason;
  changed_.NotifyAll();
  WaitUntilEmpty();
}

}  // namespace rawkv
