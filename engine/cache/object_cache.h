#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/export.h"
#include "base/result.h"
#include "engine/api/info.h"
#include "engine/api/session.h"
#include "engine/cache_api/cache_options.h"
#include "engine/cache_api/cache_report.h"

namespace rawkv {

// One object of a SubmitPut. The value's bytes must stay unchanged until the put completes.
struct ObjectPut {
  std::string_view key;  // 1 to 65,000 bytes; does not begin with the byte 0xFF
  ConstBytes value;
  std::optional<uint64_t> ttl_seconds{};  // absent: ObjectCacheOptions::ttl_seconds; 0: never expires
};

enum class ObjectVerdict : uint8_t {
  kDone,     // stored, read, there, or removed
  kMiss,     // get, exists, delete: there is no such object, or it has expired. Its buffer is untouched
  kExisted,  // put: the object exists and keeps its value
  kBusy,     // put, delete: another put or removal of the key is under way, or the object is pinned or read
  kFailed,   // see ObjectAnswer::status
};

// The answer for one key.
struct ObjectAnswer {
  ObjectVerdict verdict = ObjectVerdict::kFailed;
  Status status{};     // with kFailed: why
  uint64_t bytes = 0;  // of the value; 0 for a miss
};

enum class ObjectOp : uint8_t { kPut, kGet, kExists, kDelete };

struct ObjectCompletion {
  uint64_t id = 0;
  ObjectOp op = ObjectOp::kGet;
  Status status{};                      // ok, or the error that every object of the operation met
  std::vector<ObjectAnswer> answers{};  // in the order of the keys
  // How many answers from the first one on are kDone.
  uint64_t hit_prefix() const;
};

struct ObjectRow {
  std::string key;
  uint64_t bytes = 0;           // of the value
  uint64_t expires_unix_s = 0;  // seconds since 1970; 0: never
  uint64_t pins = 0;
};

// One user of the cache. Its operations behave as those of a Session (engine/api/session.h): each submission
// returns at once, each accepted operation completes exactly once, and the descriptor is readable while
// completions wait. Two operations that are under way together may run in any order.
//
// The session keeps the keys. It neither reads nor writes the memory of an operation once that has completed.
//
// Threads: every call is thread-safe, except Close and the destructor.
class RAWKV_EXPORT ObjectSession {
 public:
  virtual ~ObjectSession() = default;  // calls Close and drops what was not drained

  // Each returns the id of the operation. kBusy: operations_max of the session are not drained yet.
  // kFailedPrecondition: the session or the cache is closed. kPoisoned: a put or delete after a failed sync;
  // reopen the cache. kInvalidArgument: no key. kIoError: no memory.

  // Stores all objects of the batch that are absent, with one commit, or none of them. The verdict of a key
  // that is there, is under way or has no room is its own, and does not hold the others back. A put waits
  // while eviction makes room for it. kNoSpace in its answers: nothing more can be evicted. Other sessions
  // see the objects once this session has drained the completion.
  virtual Result<uint64_t> SubmitPut(std::span<const ObjectPut> puts) = 0;
  // Reads each value into its buffer, as Session::SubmitGet does. Until the get is drained its objects are
  // leased: they are neither evicted nor deleted. An object whose bytes fail their checksum (kFailed with
  // kCorruption) is removed, so that a put can store it again.
  virtual Result<uint64_t> SubmitGet(std::span<const SessionRead> reads) = 0;
  // With `pin`, pins each object that is there, as Pin does.
  virtual Result<uint64_t> SubmitExists(std::span<const std::string_view> keys, bool pin = false) = 0;
  // Removes objects, with one commit. A pinned or leased object stays: kBusy.
  virtual Result<uint64_t> SubmitDelete(std::span<const std::string_view> keys) = 0;

  // Pins an object, so that it is neither evicted nor deleted and does not expire. Pins are counted; they end
  // with Unpin or with the session, and do not survive a restart. False: there is no such object.
  virtual Result<bool> Pin(std::string_view key) = 0;
  // Takes one pin of this session back. False: the session has none on this object.
  virtual Result<bool> Unpin(std::string_view key) = 0;

  // As Session::event_fd. It may also be readable for a step of an operation that has not completed yet: then
  // Drain returns 0.
  virtual int event_fd() const = 0;
  virtual size_t Drain(std::span<ObjectCompletion> out) = 0;
  // Waits until Drain has something to do. False: `timeout_ms` milliseconds have passed, or nothing is under
  // way. Negative: no limit.
  virtual bool Wait(int64_t timeout_ms) = 0;
  // Refuses new operations, waits for those under way, and releases the pins. Puts that wait for room fail.
  // What has completed can still be drained. Idempotent.
  virtual Status Close() = 0;
};

// A cache of objects on a store of its own: immutable values by key, with eviction, pins, times to live and
// quotas. An object is there completely or not at all, also after a crash, and the usage is exact from the
// open on. Other programs must not write to the store.
//
// The cache keeps every key in memory, and at most 40 bytes more for each object. It keeps no history: the
// slots of removed objects are used again.
//
// Threads: all calls are thread-safe, except Open, Close and the destructor.
class RAWKV_EXPORT ObjectCache {
 public:
  // Opens the store, and makes it if it is missing. kInvalidArgument: an option. kFailedPrecondition: the
  // store has keys that no cache has stored; nothing of it has changed. kNotSupported: the store keeps no
  // values of 512 bytes in its index (inline_bytes). Otherwise the errors of Engine::Format and Open.
  static Result<std::unique_ptr<ObjectCache>> Open(const ObjectCacheOptions& options);
  // The report of a cache from its store alone: all but what is stored is 0. Changes nothing, and works while
  // another process has the store open. kFailedPrecondition: no cache was ever opened on the store. Otherwise
  // the errors of Engine::Open.
  static Result<CacheReport> Inspect(const std::string& dir, const OpenOptions& options,
                                     std::string_view prefix = {});
  ~ObjectCache();  // calls Close and drops its error
  // Closes all sessions, saves the order of use and closes the store. Idempotent.
  Status Close();

  // `owner` names the user in Pins().
  Result<std::unique_ptr<ObjectSession>> OpenSession(std::string owner, const SessionOptions& options = {});

  // The usage of all objects whose keys begin with `prefix`. Walks the keys in memory, unless it is empty.
  ObjectUsage Usage(std::string_view prefix = {}) const;
  // At most `max` objects whose keys begin with `prefix`, in byte order, from the first key after `after` on.
  Result<std::vector<ObjectRow>> Scan(std::string_view prefix, std::string_view after, size_t max) const;
  std::vector<ObjectPin> Pins() const;
  ObjectCacheStats stats() const;
  // Evicts at least `bytes` of the device, or what may be evicted, and makes the slots free. Returns how many
  // bytes it evicted.
  Result<uint64_t> Evict(uint64_t bytes);
  // Saves the order of use now. kNoSpace and kIoError: the older order stays.
  Status SaveRecency();
  CacheReport Report(std::string_view prefix = {}) const;  // stats, Usage(prefix) and Pins
  // The settings and the state of the store below.
  Result<EngineInfo> Info();

 private:
  class Impl;
  explicit ObjectCache(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rawkv
