// The object cache: answers, eviction on a full device, pins, times to live, quotas, and what a restart
// keeps.

#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "engine/engine.h"
#include "tests/engine/cache/cache_fixture.h"

namespace rawkv {
namespace {

std::string Key(uint64_t n) {
  return "model@" + std::to_string(1'000'000 + n);
}

TEST_F(CacheTest, BatchOfPutsAnswersEachKey) {
  Open();
  ASSERT_EQ(Put("old", ValueOf("old", 1, kSlot)).verdict, ObjectVerdict::kDone);
  const ObjectCompletion done = PutAll({{"new", ValueOf("new", 1, 3 * kSlot + 5)},
                                        {"old", ValueOf("old", 2, kSlot)},
                                        {"new", ValueOf("new", 2, kSlot)},
                                        {"", "x"},
                                        {"\xff", "x"},
                                        {"empty", ""}});
  ASSERT_EQ(done.answers.size(), 6u);
  EXPECT_OK(done.status);
  EXPECT_EQ(done.answers[0].verdict, ObjectVerdict::kDone);
  EXPECT_EQ(done.answers[1].verdict, ObjectVerdict::kExisted);
  EXPECT_EQ(done.answers[1].bytes, kSlot);
  EXPECT_EQ(done.answers[2].verdict, ObjectVerdict::kBusy) << "the first put of the key is under way";
  EXPECT_STATUS(done.answers[3].status, StatusCode::kInvalidArgument, "0 bytes");
  EXPECT_STATUS(done.answers[4].status, StatusCode::kInvalidArgument, "0xFF");
  EXPECT_EQ(done.answers[5].verdict, ObjectVerdict::kDone);
  EXPECT_EQ(Get("old"), ValueOf("old", 1, kSlot));
  EXPECT_EQ(Get("new"), ValueOf("new", 1, 3 * kSlot + 5));
  EXPECT_EQ(cache_->Usage(), (ObjectUsage{3, 4 * kSlot + 5}));
  EXPECT_EQ(cache_->Usage("ne"), (ObjectUsage{1, 3 * kSlot + 5}));
  const ObjectCacheStats stats = cache_->stats();
  EXPECT_EQ(stats.stored, 3u);
  EXPECT_EQ(stats.existed, 1u);
  EXPECT_EQ(stats.refused, 2u);
  EXPECT_EQ(stats.hits, 2u);
}

TEST_F(CacheTest, ReadsAnswerEachKeyAndTheHitPrefix) {
  Open();
  PutAll({{"a", ValueOf("a", 1, 100)}, {"b", ValueOf("b", 1, kSlot)}, {"d", ValueOf("d", 1, kSlot)}});
  const std::vector<std::string_view> keys{"a", "b", "c", "d"};
  const ObjectCompletion exists = Run(session_->SubmitExists(keys));
  EXPECT_EQ(exists.hit_prefix(), 2u);
  EXPECT_EQ(exists.answers[2].verdict, ObjectVerdict::kMiss);
  EXPECT_EQ(exists.answers[3].verdict, ObjectVerdict::kDone);
  EXPECT_EQ(exists.answers[3].bytes, kSlot);
  std::vector<std::string> out(3, std::string(2 * kSlot, '.'));
  const auto memory = [&](size_t i) { return std::as_writable_bytes(std::span(out[i])); };
  const std::vector<SessionRead> reads{{"a", memory(0)}, {"c", memory(1)}, {"d", memory(2).first(10)}};
  const ObjectCompletion done = Run(session_->SubmitGet(reads));
  EXPECT_EQ(out[0].substr(0, done.answers[0].bytes), ValueOf("a", 1, 100));
  EXPECT_EQ(done.answers[1].verdict, ObjectVerdict::kMiss);
  EXPECT_EQ(out[1], std::string(2 * kSlot, '.')) << "a miss leaves its buffer untouched";
  EXPECT_STATUS(done.answers[2].status, StatusCode::kInvalidArgument, "4096");
  const std::vector<std::string_view> none{"x", "y"};
  EXPECT_EQ(Run(session_->SubmitExists(none)).hit_prefix(), 0u);
  EXPECT_STATUS(session_->SubmitExists({}), StatusCode::kInvalidArgument);
}

TEST_F(CacheTest, DescriptorShowsEveryCompletion) {
  Open();
  const int fd = session_->event_fd();
  const auto await = [&] {
    pollfd poll{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, 60'000) == 1;
  };
  ObjectCompletion done;
  const ObjectPut put{.key = "k", .value = AsBytes(std::string_view("value"))};
  const std::string_view absent = "absent";
  ASSERT_OK(session_->SubmitPut(std::span(&put, 1)));
  ASSERT_TRUE(await());
  ASSERT_EQ(session_->Drain(std::span(&done, 1)), 1u);
  // Operations whose answers need no work of the store.
  ASSERT_OK(session_->SubmitPut(std::span(&put, 1)));
  ASSERT_OK(session_->SubmitDelete(std::span(&absent, 1)));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(await());
    ASSERT_EQ(session_->Drain(std::span(&done, 1)), 1u);
  }
  EXPECT_EQ(session_->Drain(std::span(&done, 1)), 0u);
}

TEST_F(CacheTest, PinnedObjectsStayUntilTheirOwnersSessionCloses) {
  Open();
  PutAll({{"a", ValueOf("a", 1, kSlot)}, {"b", ValueOf("b", 1, kSlot)}});
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<ObjectSession> other, cache_->OpenSession("other"));
  ASSERT_OK_AND_ASSIGN(const bool none, other->Pin("none"));
  EXPECT_FALSE(none);
  ASSERT_OK(other->Pin("a"));
  const std::string_view a = "a";
  Run(other->SubmitExists(std::span(&a, 1), /*pin=*/true), *other);
  ASSERT_OK(session_->Pin("a"));
  const std::vector<ObjectPin> pins = cache_->Pins();
  ASSERT_EQ(pins.size(), 2u);
  EXPECT_EQ(pins[0].owner, "other");
  EXPECT_EQ(pins[0].count, 2u);
  EXPECT_EQ(pins[1].owner, "test");
  EXPECT_EQ(Delete("a").verdict, ObjectVerdict::kBusy);
  ASSERT_OK_AND_ASSIGN(const bool taken, session_->Unpin("a"));
  EXPECT_TRUE(taken);
  ASSERT_OK_AND_ASSIGN(const bool again, session_->Unpin("a"));
  EXPECT_FALSE(again) << "a session cannot take back the pin of another one";
  EXPECT_EQ(Delete("a").verdict, ObjectVerdict::kBusy);
  ASSERT_OK(cache_->Evict(1 << 30));
  EXPECT_TRUE(Has("a"));
  EXPECT_FALSE(Has("b"));
  other.reset();
  EXPECT_TRUE(cache_->Pins().empty());
  EXPECT_EQ(Delete("a").verdict, ObjectVerdict::kDone);
  EXPECT_EQ(cache_->stats().pins, 0u);
}

// Fills the device completely and overwrites it ten times. Every put finds room, no pinned object goes, and
// what is there has the content of the model.
TEST_F(CacheTest, FullCacheEvictsAndNeverAnswersNoSpace) {
  for (const EvictionKind kind : {EvictionKind::kLru, EvictionKind::kSieve}) {
    options_.directory = tmp_.File("store" + std::to_string(static_cast<int>(kind)));
    options_.eviction = kind;
    options_.trigger_watermark = 1;
    options_.eviction_ratio = 0.01;
    Open();
    const uint64_t slots = cache_->stats().capacity_bytes / kSlot;
    std::mt19937_64 random(1);
    std::map<std::string, std::string> stored;
    std::vector<std::string> pinned;
    uint64_t written = 0;
    for (uint64_t n = 0; written < 10 * slots; ++n) {
      std::vector<std::pair<std::string, std::string>> batch;
      for (uint64_t i = 0; i < 1 + random() % 4; ++i) {
        const std::string key = Key(8 * n + i);
        const uint64_t size = 1 + random() % 9;
        batch.emplace_back(key, ValueOf(key, n, size * kSlot - random() % 100));
        written += size;
      }
      const ObjectCompletion done = PutAll(batch);
      for (size_t i = 0; i < batch.size(); ++i) {
        ASSERT_EQ(done.answers[i].verdict, ObjectVerdict::kDone) << done.answers[i].status.ToString();
        stored.insert(batch[i]);
      }
      if (n % 20 == 0) {
        ASSERT_OK_AND_ASSIGN(const bool there, session_->Pin(batch[0].first));
        ASSERT_TRUE(there);
        pinned.push_back(batch[0].first);
      }
      if (pinned.size() > 20) {
        ASSERT_OK(session_->Unpin(pinned.front()));
        pinned.erase(pinned.begin());
      }
    }
    for (const std::string& key : pinned) EXPECT_EQ(Get(key), stored.at(key)) << key;
    for (const auto& [key, bytes] : Stored()) ASSERT_EQ(Get(key), stored.at(key)) << key;
    const ObjectCacheStats stats = cache_->stats();
    EXPECT_GT(stats.evicted_bytes, 8 * stats.capacity_bytes);
    EXPECT_LE(stats.used_bytes, stats.capacity_bytes);
    EXPECT_GT(stats.used_bytes, stats.capacity_bytes / 2);
    ExpectUsageOfTheStore();
    Close();
    ExpectWhole();
  }
}

TEST_F(CacheTest, PutWithoutRoomFailsOnceNothingCanBeEvicted) {
  options_.trigger_watermark = 1;
  Open();
  const uint64_t slots = cache_->stats().capacity_bytes / kSlot;
  for (uint64_t n = 0; n < 4; ++n) {
    const std::string value = ValueOf(Key(n), 0, slots / 4 * kSlot);
    std::vector<ObjectPut> put{{Key(n), AsBytes(value)}};
    const std::string key = Key(n);
    put[0].key = key;
    ASSERT_EQ(Run(session_->SubmitPut(put)).answers[0].verdict, ObjectVerdict::kDone);
    ASSERT_OK(session_->Pin(key));
  }
  const ObjectAnswer refused = Put("more", ValueOf("more", 0, slots / 2 * kSlot));
  EXPECT_STATUS(refused.status, StatusCode::kNoSpace, "nothing more can be evicted");
  EXPECT_EQ(cache_->stats().waiting_puts, 0u);
  EXPECT_STATUS(Put("large", std::string((slots + 1) * kSlot, 'x')).status, StatusCode::kNoSpace, "capacity");
  // A put that waits is resumed once a pin is gone.
  const std::string value = ValueOf("more", 0, slots / 4 * kSlot);
  const ObjectPut put{.key = "more", .value = AsBytes(value)};
  std::string out(slots / 4 * kSlot, '\0');
  const std::string first = Key(0);
  const SessionRead read{.key = first, .out = std::as_writable_bytes(std::span(out))};
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<ObjectSession> reader, cache_->OpenSession("reader"));
  const Result<uint64_t> lease = reader->SubmitGet(std::span(&read, 1));
  ASSERT_OK(session_->Unpin(first));
  const Result<uint64_t> waits = session_->SubmitPut(std::span(&put, 1));
  EXPECT_FALSE(session_->Wait(0)) << "the object is leased until its read is drained";
  EXPECT_EQ(cache_->stats().waiting_puts, 1u);
  EXPECT_EQ(Run(lease, *reader).answers[0].verdict, ObjectVerdict::kDone);
  EXPECT_EQ(out, ValueOf(first, 0, slots / 4 * kSlot));
  EXPECT_EQ(Run(waits).answers[0].verdict, ObjectVerdict::kDone);
  EXPECT_FALSE(Has(first));
}

TEST_F(CacheTest, CloseFailsPutsThatWait) {
  options_.trigger_watermark = 1;
  Open();
  const uint64_t bytes = cache_->stats().capacity_bytes;
  const std::string value = ValueOf("k", 0, bytes);
  ASSERT_EQ(Put("k", value).verdict, ObjectVerdict::kDone);
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<ObjectSession> reader, cache_->OpenSession("reader"));
  std::string out(bytes, '\0');
  const SessionRead read{.key = "k", .out = std::as_writable_bytes(std::span(out))};
  ASSERT_OK(reader->SubmitGet(std::span(&read, 1)));
  const ObjectPut put{.key = "l", .value = AsBytes(value)};
  ASSERT_OK(session_->SubmitPut(std::span(&put, 1)));
  ASSERT_OK(session_->Close());
  ObjectCompletion done;
  ASSERT_EQ(session_->Drain(std::span(&done, 1)), 1u);
  EXPECT_STATUS(done.answers[0].status, StatusCode::kFailedPrecondition, "closed");
  EXPECT_STATUS(session_->SubmitPut(std::span(&put, 1)), StatusCode::kFailedPrecondition);
  ASSERT_OK(reader->Close());
  ASSERT_EQ(reader->Drain(std::span(&done, 1)), 1u);
  EXPECT_EQ(done.answers[0].verdict, ObjectVerdict::kDone);
  session_.reset();
  reader.reset();
}

TEST_F(CacheTest, EvictionRunsFromTheTriggerDownByTheRatio) {
  options_.trigger_watermark = 0.5;
  options_.eviction_ratio = 0.25;
  Open();
  const uint64_t slots = cache_->stats().capacity_bytes / kSlot;
  uint64_t n = 0;
  while (n <= slots / 2 + 1) {
    ASSERT_EQ(Put(Key(n), ValueOf(Key(n), 0, kSlot)).verdict, ObjectVerdict::kDone);
    ++n;
  }
  ASSERT_OK(cache_->Evict(0));  // runs after the round that the last put began
  const uint64_t left = cache_->Usage().objects;
  EXPECT_LE(left, slots / 4 + 2);
  EXPECT_GE(left, slots / 4 - 2);
  EXPECT_FALSE(Has(Key(0)));
  EXPECT_TRUE(Has(Key(n - 1)));
}

TEST_F(CacheTest, LeastRecentlyUsedObjectsGoFirstAlsoAfterARestart) {
  for (const bool killed : {false, true}) {
    options_.directory = tmp_.File(killed ? "killed" : "closed");
    Open();
    std::mt19937_64 random(7);
    std::vector<std::string> order;
    for (uint64_t n = 0; n < 100; ++n) {
      Put(Key(n), ValueOf(Key(n), 0, kSlot));
      order.push_back(Key(n));
    }
    for (int i = 0; i < 300; ++i) {
      const auto it = order.begin() + static_cast<std::ptrdiff_t>(random() % order.size());
      const std::string key = *it;
      EXPECT_FALSE(Get(key).empty());
      order.erase(it);
      order.push_back(key);
    }
    if (killed) {
      // A crash forgets the uses since the order was saved; what was stored since counts as newest.
      ASSERT_OK(cache_->SaveRecency());
      Get(order.front());
      for (uint64_t n = 100; n < 105; ++n) {
        Put(Key(n), ValueOf(Key(n), 0, kSlot));
        order.push_back(Key(n));
      }
      ReopenKilled();
    } else {
      Reopen();
    }
    for (size_t i = 0; i < order.size(); i += 10) {
      ASSERT_OK_AND_ASSIGN(const uint64_t evicted, cache_->Evict(10 * kSlot));
      EXPECT_EQ(evicted, std::min<size_t>(10, order.size() - i) * kSlot);
      const std::set<std::string> gone(
          order.begin(), order.begin() + static_cast<std::ptrdiff_t>(std::min(i + 10, order.size())));
      for (const auto& [key, bytes] : Stored()) EXPECT_FALSE(gone.contains(key)) << key << " after " << i;
    }
    EXPECT_EQ(cache_->Usage(), ObjectUsage());
    Close();
  }
}

TEST_F(CacheTest, ExpiredObjectIsAMissAndIsReplaced) {
  options_.ttl_seconds = 100;
  Open();
  Put("default", ValueOf("default", 1, kSlot));
  Put("short", ValueOf("short", 1, kSlot), 10);
  Put("never", ValueOf("never", 1, kSlot), 0);
  Put("held", ValueOf("held", 1, kSlot), 10);
  ASSERT_OK(session_->Pin("held"));
  clock_.now_unix_ms += 11'000;
  EXPECT_TRUE(Has("held")) << "a pinned object does not expire";
  EXPECT_EQ(Get("short"), "");
  EXPECT_EQ(Delete("short").verdict, ObjectVerdict::kMiss);
  Put("short", ValueOf("short", 2, kSlot), 10);
  EXPECT_EQ(Get("short"), ValueOf("short", 2, kSlot));
  clock_.now_unix_ms += 11'000;
  ReopenKilled();
  EXPECT_FALSE(Has("short"));
  EXPECT_FALSE(Has("held")) << "pins do not survive a restart";
  EXPECT_EQ(Put("short", ValueOf("short", 3, 2 * kSlot), 0).verdict, ObjectVerdict::kDone);
  EXPECT_EQ(Get("short"), ValueOf("short", 3, 2 * kSlot)) << "replaces the expired object";
  EXPECT_TRUE(Has("default"));
  clock_.now_unix_ms += 90'000;
  EXPECT_FALSE(Has("default"));
  ASSERT_OK(cache_->Evict(0));
  EXPECT_EQ(Stored().size(), 2u) << "the sweep removed what had expired";
  EXPECT_EQ(cache_->stats().expired, 3u);
  Reopen();
  EXPECT_TRUE(Has("short"));
  EXPECT_TRUE(Has("never"));
  EXPECT_EQ(Stored().size(), 2u);
}

TEST_F(CacheTest, QuotaOfAPrefixEvictsOnlyThatPrefix) {
  options_.quotas = {{.prefix = "a", .bytes_max = 10 * kSlot}, {.prefix = "ab", .bytes_max = 4 * kSlot}};
  Open();
  Put("b", ValueOf("b", 0, kSlot));
  for (uint64_t n = 0; n < 30; ++n) {
    const std::string one = "a" + std::to_string(n), two = "ab" + std::to_string(n);
    EXPECT_EQ(Put(one, ValueOf(one, 0, kSlot)).verdict, ObjectVerdict::kDone);
    EXPECT_EQ(Put(two, ValueOf(two, 0, kSlot)).verdict, ObjectVerdict::kDone);
  }
  EXPECT_TRUE(Has("b"));
  ASSERT_OK(cache_->Evict(0));
  EXPECT_EQ(cache_->Usage("ab").bytes, 4 * kSlot);
  EXPECT_EQ(cache_->Usage("a").bytes, 14 * kSlot) << "a key counts for its longest prefix";
  EXPECT_TRUE(Has("a29"));
  EXPECT_TRUE(Has("ab29"));
  EXPECT_STATUS(Put("ab", std::string(5 * kSlot, 'x')).status, StatusCode::kNoSpace, "quota");
  for (uint64_t n = 26; n < 30; ++n) ASSERT_OK(session_->Pin("ab" + std::to_string(n)));
  EXPECT_STATUS(Put("abx", std::string(kSlot, 'x')).status, StatusCode::kNoSpace, "quota");
  ReopenKilled();
  EXPECT_EQ(cache_->Usage("ab").bytes, 4 * kSlot);
  EXPECT_EQ(Put("abx", ValueOf("abx", 0, kSlot)).verdict, ObjectVerdict::kDone);
  ASSERT_OK(cache_->Evict(0));
  EXPECT_EQ(cache_->Usage("ab").bytes, 4 * kSlot) << "the quota counts what was there at the open";
}

TEST_F(CacheTest, DamagedObjectIsRemovedAndCanBeStoredAgain) {
  Open();
  Put("whole", ValueOf("whole", 0, kSlot));
  Put("damaged", ValueOf("damaged", 0, kSlot));
  Close();
  const std::string device = options_.directory + "/device.img";
  std::ifstream in(device, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const size_t place = bytes.find(ValueOf("damaged", 0, kSlot));
  ASSERT_NE(place, std::string::npos);
  std::fstream(device, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(static_cast<std::streamoff>(place))
      .put('?');
  Open();
  std::string out(kSlot, '\0');
  const SessionRead read{.key = "damaged", .out = std::as_writable_bytes(std::span(out))};
  EXPECT_STATUS(Run(session_->SubmitGet(std::span(&read, 1))).answers[0].status, StatusCode::kCorruption);
  ASSERT_OK(cache_->Evict(0));
  EXPECT_FALSE(Has("damaged"));
  EXPECT_EQ(Get("whole"), ValueOf("whole", 0, kSlot));
  EXPECT_EQ(Put("damaged", ValueOf("damaged", 1, kSlot)).verdict, ObjectVerdict::kDone);
  EXPECT_EQ(Get("damaged"), ValueOf("damaged", 1, kSlot));
  ASSERT_OK(cache_->Evict(kSlot));  // its snapshot ends the history with the damaged bytes
}

TEST_F(CacheTest, WithoutEvictionAFullCacheRefuses) {
  options_.evict = false;
  options_.trigger_watermark = 1;
  Open();
  const uint64_t slots = cache_->stats().capacity_bytes / kSlot;
  for (uint64_t n = 0; n < slots; ++n)
    ASSERT_EQ(Put(Key(n), ValueOf(Key(n), 0, kSlot)).verdict, ObjectVerdict::kDone);
  EXPECT_STATUS(Put("more", ValueOf("more", 0, kSlot)).status, StatusCode::kNoSpace);
  EXPECT_EQ(cache_->stats().evicted, 0u);
  EXPECT_EQ(Delete(Key(5)).verdict, ObjectVerdict::kDone);
  EXPECT_EQ(Put("more", ValueOf("more", 0, kSlot)).verdict, ObjectVerdict::kDone);
}

// A cache would evict the keys of another program, and give up its history.
TEST_F(CacheTest, RefusesAStoreOfAnotherProgram) {
  FormatOptions format;
  format.capacity_bytes = 16 << 20;
  format.runtime.keep_recent = 7;
  ASSERT_OK(Engine::Format(tmp_.File("other"), format));
  const auto use = [&](const std::function<void(Engine&)>& body) {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> engine, Engine::Open(tmp_.File("other"), {}));
    body(*engine);
  };
  use([](Engine& engine) {
    WriteBatch batch;
    batch.Put("k", "of another program");
    ASSERT_OK(engine.Commit(batch).status);
  });
  options_.directory = tmp_.File("other");
  for (const bool start_empty : {false, true}) {
    options_.start_empty = start_empty;
    EXPECT_STATUS(ObjectCache::Open(options_).status(), StatusCode::kFailedPrecondition, "another directory");
  }
  use([](Engine& engine) {
    ASSERT_OK_AND_ASSIGN(const Value value, engine.Get("k"));
    EXPECT_EQ(value.bytes, "of another program");
    ASSERT_OK_AND_ASSIGN(const EngineInfo info, engine.Info());
    EXPECT_EQ(info.settings.keep_recent, 7u);
  });
}

TEST_F(CacheTest, StartsEmptyIfAsked) {
  Open();
  Put("a", ValueOf("a", 0, kSlot), 100);
  options_.start_empty = true;
  Reopen();
  EXPECT_EQ(cache_->Usage(), ObjectUsage());
  EXPECT_EQ(Put("a", ValueOf("a", 1, kSlot)).verdict, ObjectVerdict::kDone);
}

TEST_F(CacheTest, RefusesOptionsOutOfRange) {
  options_.trigger_watermark = 1.5;
  EXPECT_STATUS(ObjectCache::Open(options_), StatusCode::kInvalidArgument, "trigger_watermark 1.5");
  options_.trigger_watermark = 0.9;
  options_.eviction_ratio = 0;
  EXPECT_STATUS(ObjectCache::Open(options_), StatusCode::kInvalidArgument, "eviction_ratio");
  options_.eviction_ratio = 0.1;
  options_.quotas = {{"a", 1}, {"a", 2}};
  EXPECT_STATUS(ObjectCache::Open(options_), StatusCode::kInvalidArgument, "twice");
  options_.quotas.clear();
  options_.directory.clear();
  EXPECT_STATUS(ObjectCache::Open(options_), StatusCode::kInvalidArgument, "directory");
  EXPECT_FALSE(std::filesystem::exists(tmp_.File("store")));
}

}  // namespace
}  // namespace rawkv
