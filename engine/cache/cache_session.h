#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "engine/cache/cache_keeper.h"

namespace rawkv {

// The parts of an open cache that its sessions use. They outlive every use by a session.
struct CacheParts {
  ObjectCacheOptions options;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<CacheCore> core;
  std::unique_ptr<CacheKeeper> keeper;  // before the core and the engine
};

// One ObjectSession over a Session of the engine.
//
//   1. An operation that was accepted is in one place: in `under_way_`, in the core's queue of waiting puts,
//   on
//      its way from there through the keeper (`waiting_` counts these two), or in `ready_`.
//   2. Whatever ends without a commit of its own ends with a look-up of a reserved key, so that the
//      descriptor of the session below shows every completion.
class CacheSession final : public ObjectSession {
 public:
  CacheSession(std::shared_ptr<CacheParts> parts, std::unique_ptr<Session> below, std::string owner,
               uint64_t operations_max)
      : parts_(std::move(parts)),
        core_(*parts_->core),
        below_(std::move(below)),
        owner_(std::move(owner)),
        operations_max_(operations_max) {}
  ~CacheSession() override { (void)Close(); }

  Result<uint64_t> SubmitPut(std::span<const ObjectPut> puts) override;
  Result<uint64_t> SubmitGet(std::span<const SessionRead> reads) override;
  Result<uint64_t> SubmitExists(std::span<const std::string_view> keys, bool pin) override;
  Result<uint64_t> SubmitDelete(std::span<const std::string_view> keys) override;
  Result<bool> Pin(std::string_view key) override;
  Result<bool> Unpin(std::string_view key) override;
  int event_fd() const override { return below_->event_fd(); }
  size_t Drain(std::span<ObjectCompletion> out) override;
  bool Wait(int64_t timeout_ms) override;
  Status Close() override;

 private:
  Status CheckOpen(size_t keys) const RAWKV_REQUIRES(mu_);
  // Accepts the operation that `begin` fills in, and passes it to the session below with `submit`.
  template <typename Begin, typename Submit>
  Result<uint64_t> Accept(ObjectOp kind, size_t keys, const Begin& begin, const Submit& submit);
  // Passes an operation to the session below. After an error it is unchanged.
  template <typename Submit>
  Status Pass(CacheOperation& op, const Submit& submit) RAWKV_REQUIRES(mu_);
  Status PassPut(CacheOperation& op) RAWKV_REQUIRES(mu_);
  // Completes an operation whose answers are final.
  void Finish(CacheOperation&& op) RAWKV_REQUIRES(mu_);
  void Await(CacheOperation&& op) RAWKV_REQUIRES(mu_);
  // For the keeper.
  void Resume(CacheOperation&& op, const Status& status);
  // Moves an operation that the session below has completed to `ready_`, unless it must wait for room.
  void Take(SessionCompletion& done) RAWKV_REQUIRES(mu_);

  const std::shared_ptr<CacheParts> parts_;
  CacheCore& core_;
  const std::unique_ptr<Session> below_;
  const std::string owner_;
  const uint64_t operations_max_;

  Mutex mu_;
  CondVar put_resumed_;
  std::unordered_map<uint64_t, CacheOperation> under_way_ RAWKV_GUARDED_BY(mu_);  // by the id below
  std::deque<ObjectCompletion> ready_ RAWKV_GUARDED_BY(mu_);
  std::unordered_map<uint32_t, uint64_t> pins_ RAWKV_GUARDED_BY(mu_);  // by object
  uint64_t last_id_ RAWKV_GUARDED_BY(mu_) = 0;
  uint64_t undrained_ RAWKV_GUARDED_BY(mu_) = 0;
  uint64_t waiting_ RAWKV_GUARDED_BY(mu_) = 0;
  bool closed_ RAWKV_GUARDED_BY(mu_) = false;
};

}  // namespace rawkv
