#include "engine/cache/object_cache.h"

#include <algorithm>

#include "base/exception_status.h"
#include "engine/cache/cache_session.h"
#include "engine/cache/recency.h"
#include "engine/cache_api/cache_message.h"
#include "engine/engine.h"

namespace rawkv {
namespace {

constexpr uint64_t kMinInlineBytes = 512;
constexpr uint64_t kScanRows = 65'536;

// A cache never returns to an older state: no history, so that the slots of removed objects are used again.
SettingsChange WithoutHistory(const ObjectCacheOptions& options) {
  SettingsChange change;
  change.keep_recent = 0;
  change.keep_for_seconds = 0;
  change.keep_tiers = KeepTiers();
  change.undo_versions = 0;
  change.snapshot_interval = RuntimeSettings().snapshot_interval;  // at 0 the next one would not count
  change.snapshot_log_bytes = options.snapshot_log_bytes;
  change.durability = options.durability;
  return change;
}

// A cache gives up the history of its store and evicts from it, so it takes only a store of its own: one that
// some cache has opened before, or one without keys.
Status CheckOwn(Engine& engine, const std::string& dir) {
  RAWKV_ASSIGN_OR_RETURN(const bool of_a_cache, SavedOrder::IsSaved(engine));
  if (of_a_cache) return Status::Ok();
  RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Iterator> it, engine.NewIterator({}));
  it->SeekToFirst();
  if (!it->Valid()) return it->status();
  return Status::FailedPrecondition(
      dir + ": the store has keys that no cache has stored; name another directory for the cache");
}

Result<std::unique_ptr<Engine>> OpenStore(const ObjectCacheOptions& options,
                                          std::function<Result<std::string>(std::string_view)> serve) {
  OpenOptions open;
  open.serve_program = std::move(serve);
  open.engine = options.engine;
  open.cache = options.device_cache;
  open.queue_depth = options.queue_depth;
  open.device = options.device;
  open.env = options.env;
  const SettingsChange wanted = WithoutHistory(options);
  Result<std::unique_ptr<Engine>> opened = Engine::Open(options.directory, open);
  if (opened.status().code() == StatusCode::kNotFound && options.format_if_missing) {
    FormatOptions format;
    format.device = options.device;
    format.capacity_bytes = options.device_bytes;
    format.slot_bytes = options.slot_bytes;
    format.header_bytes = options.header_bytes;
    format.runtime = Changed(format.runtime, wanted);
    format.env = options.env;
    RAWKV_RETURN_IF_ERROR(Engine::Format(options.directory, format).status());
    return Engine::Open(options.directory, open);
  }
  if (!opened.ok()) return opened;
  Engine& engine = **opened;
  RAWKV_RETURN_IF_ERROR(CheckOwn(engine, options.directory));
  RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine.Info());
  if (Changed(info.settings, wanted) == info.settings) return opened;
  // Some settings count only from the next open.
  RAWKV_RETURN_IF_ERROR(engine.ChangeSettings(wanted).status());
  RAWKV_RETURN_IF_ERROR(engine.Close());
  return Engine::Open(options.directory, open);
}

// Walks the keys of all objects.
Result<std::unique_ptr<Iterator>> OpenObjects(Engine& engine) {
  return engine.NewIterator({.upper = std::string(1, kReservedByte)});
}

// Reads every object of the store into the core: the sizes, the times to live and the order of use.
Status LoadObjects(Engine& engine, CacheCore& core) {
  RAWKV_ASSIGN_OR_RETURN(const SavedOrder saved, SavedOrder::Load(engine));
  core.Reserve(saved.size());
  struct ByVersion {
    Version written_by;
    uint32_t object;
  };
  std::vector<ByVersion> older, newer;
  std::vector<EvictionPolicy::Place> in_order(saved.size(), {.id = ObjectTable::kNone});
  RAWKV_ASSIGN_OR_RETURN(std::unique_ptr<Iterator> it, OpenObjects(engine));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (it->key().size() > ObjectTable::kMaxKeyBytes) {
      return Status::NotSupported("the store has a key of " + std::to_string(it->key().size()) +
                                  " bytes; a cache keeps keys of up to " +
                                  std::to_string(ObjectTable::kMaxKeyBytes));
    }
    const uint32_t object = core.Load(it->key(), it->value_bytes());
    const SavedOrder::Found found = saved.Find(it->key(), it->written_by());
    if (found.where == SavedOrder::Where::kInOrder) {
      in_order[found.rank] = {.id = object, .used = found.used, .hand = found.hand};
    } else {
      (found.where == SavedOrder::Where::kOlder ? older : newer).push_back({it->written_by(), object});
    }
  }
  RAWKV_RETURN_IF_ERROR(it->status());
  const auto load = [&](std::vector<ByVersion>& objects) {
    std::stable_sort(objects.begin(), objects.end(),
                     [](const ByVersion& a, const ByVersion& b) { return a.written_by < b.written_by; });
    for (const ByVersion& object : objects) core.LoadOrder({.id = object.object});
  };
  load(older);
  for (const EvictionPolicy::Place& place : in_order) {
    if (place.id != ObjectTable::kNone) core.LoadOrder(place);
  }
  load(newer);

  const std::string expiry = ExpiryKey({});
  RAWKV_ASSIGN_OR_RETURN(it, engine.NewIterator({.prefix = expiry}));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    RAWKV_ASSIGN_OR_RETURN(const std::string text, it->ReadValue());
    core.LoadExpiry(it->key().substr(expiry.size()),
                    static_cast<uint32_t>(std::strtoul(text.c_str(), nullptr, 10)));
  }
  return it->status();
}

}  // namespace

class ObjectCache::Impl {
 public:
  explicit Impl(const ObjectCacheOptions& options) : parts_(std::make_shared<CacheParts>()) {
    parts_->options = options;
  }
  ~Impl() { (void)Close(); }

  Status Open() {
    const ObjectCacheOptions& options = parts_->options;
    RAWKV_RETURN_IF_ERROR(options.Validate());
    const uint64_t began = options.env.clock->MonotonicNs();
    RAWKV_ASSIGN_OR_RETURN(parts_->engine, OpenStore(options, [this](std::string_view request) {
                             return NoThrow([&] { return Answer(request); });
                           }));
    Engine& engine = *parts_->engine;
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine.Info());
    if (info.inline_bytes < kMinInlineBytes) {
      return Status::NotSupported(options.directory + ": the store has inline_bytes " +
                                  std::to_string(info.inline_bytes) + "; a cache needs at least " +
                                  std::to_string(kMinInlineBytes) + ", so format it again");
    }
    CacheGeometry geometry{
        .slot_bytes = info.slot_bytes, .header_bytes = info.header_bytes, .capacity_slots = info.slots.total};
    if (const uint64_t bytes = options.capacity_bytes; bytes != 0) {
      geometry.capacity_slots = std::min(geometry.capacity_slots, bytes / info.slot_bytes);
    }
    parts_->core = std::make_unique<CacheCore>(options, geometry);
    parts_->keeper = std::make_unique<CacheKeeper>(options, engine, *parts_->core, info.inline_bytes);
    parts_->core->wake = [keeper = parts_->keeper.get()] { keeper->Wake(); };
    if (options.start_empty) {
      WriteBatch all;
      all.DeletePrefix("");
      RAWKV_RETURN_IF_ERROR(engine.Commit(all).status);
    }
    RAWKV_RETURN_IF_ERROR(LoadObjects(engine, *parts_->core));
    RAWKV_ASSIGN_OR_RETURN(const bool saved, SavedOrder::IsSaved(engine));
    if (!saved) RAWKV_RETURN_IF_ERROR(parts_->keeper->SaveRecency());
    RAWKV_ASSIGN_OR_RETURN(operator_, OpenSession("operator", {}));
    loaded_ = true;
    open_ms_ = (options.env.clock->MonotonicNs() - began) / 1'000'000;
    return parts_->keeper->Start();
  }

  Status Close() {
    if (closed_ || parts_->engine == nullptr) return Status::Ok();
    closed_ = true;
    for (;;) {
      std::shared_ptr<CacheSession> session;
      {
        MutexLock lock(mu_);
        while (!sessions_.empty() && session == nullptr) {
          session = sessions_.back().lock();
          sessions_.pop_back();
        }
      }
      if (session == nullptr) break;
      (void)session->Close();
    }
    if (parts_->keeper != nullptr) parts_->keeper->Stop();
    Status saved;
    if (loaded_) saved = NoThrow([&] { return parts_->keeper->SaveRecency(); });
    const Status closed = parts_->engine->Close();
    return closed.ok() ? saved : closed;
  }

  Result<std::unique_ptr<ObjectSession>> OpenSession(std::string owner, const SessionOptions& options);

  Status CheckOpen() const {
    return closed_ ? Status::FailedPrecondition("the cache is closed") : Status::Ok();
  }
  CacheParts& parts() { return *parts_; }
  CacheReport Report(std::string_view prefix) const {
    CacheReport report{
        .stats = parts_->core->stats(), .usage = parts_->core->Usage(prefix), .pins = parts_->core->Pins()};
    report.stats.open_ms = open_ms_;
    return report;
  }
  Result<uint64_t> Evict(uint64_t bytes) {
    const uint64_t slot_bytes = parts_->core->geometry().slot_bytes;
    const uint64_t slots = bytes / slot_bytes + (bytes % slot_bytes != 0 ? 1 : 0);
    RAWKV_ASSIGN_OR_RETURN(const uint64_t evicted, parts_->keeper->Evict(slots));
    return evicted * slot_bytes;
  }

 private:
  // Answers another process (RunningCache).
  Result<std::string> Answer(std::string_view bytes);

  const std::shared_ptr<CacheParts> parts_;
  std::unique_ptr<ObjectSession> operator_;  // has the pins of RunningCache
  std::atomic<bool> closed_{false};
  std::atomic<bool> loaded_{false};  // otherwise the order of use is incomplete, and must not be saved
  uint64_t open_ms_ = 0;
  Mutex mu_;
  std::vector<std::weak_ptr<CacheSession>> sessions_ RAWKV_GUARDED_BY(mu_);
};

namespace {

// The caller's handle: the cache closes a session that the caller still has.
class SessionOfCaller final : public ObjectSession {
 public:
  explicit SessionOfCaller(std::shared_ptr<CacheSession> session) : session_(std::move(session)) {}
  ~SessionOfCaller() override { (void)session_->Close(); }
  Result<uint64_t> SubmitPut(std::span<const ObjectPut> puts) override { return session_->SubmitPut(puts); }
  Result<uint64_t> SubmitGet(std::span<const SessionRead> reads) override {
    return session_->SubmitGet(reads);
  }
  Result<uint64_t> SubmitExists(std::span<const std::string_view> keys, bool pin) override {
    return session_->SubmitExists(keys, pin);
  }
  Result<uint64_t> SubmitDelete(std::span<const std::string_view> keys) override {
    return session_->SubmitDelete(keys);
  }
  Result<bool> Pin(std::string_view key) override { return session_->Pin(key); }
  Result<bool> Unpin(std::string_view key) override { return session_->Unpin(key); }
  int event_fd() const override { return session_->event_fd(); }
  size_t Drain(std::span<ObjectCompletion> out) override { return session_->Drain(out); }
  bool Wait(int64_t timeout_ms) override { return session_->Wait(timeout_ms); }
  Status Close() override { return session_->Close(); }

 private:
  const std::shared_ptr<CacheSession> session_;
};

}  // namespace

Result<std::unique_ptr<ObjectSession>> ObjectCache::Impl::OpenSession(std::string owner,
                                                                      const SessionOptions& options) {
  RAWKV_RETURN_IF_ERROR(CheckOpen());
  RAWKV_ASSIGN_OR_RETURN(std::unique_ptr<Session> below, parts_->engine->OpenSession(options));
  auto session =
      std::make_shared<CacheSession>(parts_, std::move(below), std::move(owner), options.operations_max);
  auto handle = std::make_unique<SessionOfCaller>(session);
  MutexLock lock(mu_);
  std::erase_if(sessions_, [](const std::weak_ptr<CacheSession>& other) { return other.expired(); });
  sessions_.push_back(std::move(session));
  return std::unique_ptr<ObjectSession>(std::move(handle));
}

Result<std::string> ObjectCache::Impl::Answer(std::string_view bytes) {
  if (!loaded_) return Status::Busy("the cache is being opened; try again");
  RAWKV_ASSIGN_OR_RETURN(const CacheRequest request, DecodeCacheRequest(bytes));
  CacheReply reply;
  switch (request.operation) {
    case CacheRequest::Operation::kReport:
      reply.report = Report(request.text);
      break;
    case CacheRequest::Operation::kEvict: {
      RAWKV_ASSIGN_OR_RETURN(reply.number, Evict(request.bytes));
      break;
    }
    case CacheRequest::Operation::kPin: {
      RAWKV_ASSIGN_OR_RETURN(reply.number, operator_->Pin(request.text));
      break;
    }
    case CacheRequest::Operation::kUnpin: {
      RAWKV_ASSIGN_OR_RETURN(reply.number, operator_->Unpin(request.text));
      break;
    }
  }
  return EncodeCacheReply(reply);
}

ObjectCache::ObjectCache(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ObjectCache::~ObjectCache() = default;

Result<std::unique_ptr<ObjectCache>> ObjectCache::Open(const ObjectCacheOptions& options) {
  return NoThrow([&]() -> Result<std::unique_ptr<ObjectCache>> {
    auto impl = std::make_unique<Impl>(options);
    RAWKV_RETURN_IF_ERROR(impl->Open());
    return std::unique_ptr<ObjectCache>(new ObjectCache(std::move(impl)));
  });
}

Status ObjectCache::Close() {
  return NoThrow([&] { return impl_->Close(); });
}

Result<std::unique_ptr<ObjectSession>> ObjectCache::OpenSession(std::string owner,
                                                                const SessionOptions& options) {
  return NoThrow([&] { return impl_->OpenSession(std::move(owner), options); });
}

ObjectUsage ObjectCache::Usage(std::string_view prefix) const {
  return impl_->parts().core->Usage(prefix);
}

Result<std::vector<ObjectRow>> ObjectCache::Scan(std::string_view prefix, std::string_view after,
                                                 size_t max) const {
  return NoThrow([&]() -> Result<std::vector<ObjectRow>> {
    RAWKV_RETURN_IF_ERROR(impl_->CheckOpen());
    IteratorOptions bounds{.upper = std::string(1, kReservedByte), .prefix = std::string(prefix)};
    if (!after.empty()) bounds.lower = std::string(after) + '\0';
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Iterator> it, impl_->parts().engine->NewIterator(bounds));
    std::vector<ObjectRow> rows;
    for (it->SeekToFirst(); it->Valid() && rows.size() < std::min(max, kScanRows); it->Next()) {
      rows.push_back({.key = std::string(it->key()), .bytes = it->value_bytes()});
      impl_->parts().core->FillRow(rows.back());
    }
    RAWKV_RETURN_IF_ERROR(it->status());
    return rows;
  });
}

std::vector<ObjectPin> ObjectCache::Pins() const {
  return impl_->parts().core->Pins();
}

ObjectCacheStats ObjectCache::stats() const {
  return impl_->Report({}).stats;
}

CacheReport ObjectCache::Report(std::string_view prefix) const {
  return impl_->Report(prefix);
}

Result<uint64_t> ObjectCache::Evict(uint64_t bytes) {
  return NoThrow([&]() -> Result<uint64_t> {
    RAWKV_RETURN_IF_ERROR(impl_->CheckOpen());
    return impl_->Evict(bytes);
  });
}

Result<CacheReport> ObjectCache::Inspect(const std::string& dir, const OpenOptions& options,
                                         std::string_view prefix) {
  return NoThrow([&]() -> Result<CacheReport> {
    OpenOptions looking = options;
    looking.read_only = true;
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, Engine::Open(dir, looking));
    RAWKV_ASSIGN_OR_RETURN(const bool saved, SavedOrder::IsSaved(*engine));
    if (!saved) {
      return Status::FailedPrecondition(dir +
                                        ": the store is not that of a cache: no cache was opened on it");
    }
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine->Info());
    const CacheGeometry geometry{.slot_bytes = info.slot_bytes, .header_bytes = info.header_bytes};
    CacheReport report;
    report.stats.capacity_bytes = info.slots.total * info.slot_bytes;
    RAWKV_ASSIGN_OR_RETURN(const std::unique_ptr<Iterator> it, OpenObjects(*engine));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      ++report.stats.objects;
      report.stats.bytes += it->value_bytes();
      report.stats.used_bytes += geometry.SlotsOf(it->value_bytes()) * info.slot_bytes;
      if (!it->key().starts_with(prefix)) continue;
      ++report.usage.objects;
      report.usage.bytes += it->value_bytes();
    }
    RAWKV_RETURN_IF_ERROR(it->status());
    return report;
  });
}

Status ObjectCache::SaveRecency() {
  return NoThrow([&]() -> Status {
    RAWKV_RETURN_IF_ERROR(impl_->CheckOpen());
    return impl_->parts().keeper->SaveRecency();
  });
}

Result<EngineInfo> ObjectCache::Info() {
  RAWKV_RETURN_IF_ERROR(impl_->CheckOpen());
  return impl_->parts().engine->Info();
}

}  // namespace rawkv
