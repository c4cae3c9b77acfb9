// The cache of values: what it refuses, its bound, and that no read returns an old value.

#include "engine/value_cache/value_cache.h"

#include <atomic>
#include <thread>

#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

std::optional<std::string> Look(ValueCache& cache, std::string_view key, ValueCache::Ticket* ticket) {
  std::optional<std::string> value;
  const bool found =
      cache.Find(key, ticket, [&](ConstBytes bytes, Version) { value = std::string(AsStringView(bytes)); });
  EXPECT_EQ(found, value.has_value());
  return value;
}

std::optional<std::string> Look(ValueCache& cache, std::string_view key) {
  ValueCache::Ticket none;
  return Look(cache, key, &none);
}

void LookAndInsert(ValueCache& cache, std::string_view key, std::string_view value) {
  ValueCache::Ticket ticket;
  if (Look(cache, key, &ticket)) return;
  cache.Insert(key, ticket, AsBytes(value), Version(1));
}

TEST(ValueCache, ReturnsWhatWasInsertedWithATicket) {
  ValueCache cache(1 << 20);
  ValueCache::Ticket ticket;
  EXPECT_EQ(Look(cache, "k", &ticket), std::nullopt);
  cache.Insert("k", ticket, AsBytes("value"), Version(7));
  Version written_by;
  EXPECT_TRUE(cache.Find("k", &ticket, [&](ConstBytes, Version version) { written_by = version; }));
  EXPECT_EQ(written_by, Version(7));
  EXPECT_EQ(Look(cache, "k"), "value");
  EXPECT_EQ(Look(cache, "other"), std::nullopt);
  LookAndInsert(cache, "empty", "");
  EXPECT_EQ(Look(cache, "empty"), "");
  cache.Insert("without ticket", {}, AsBytes("value"), Version(7));
  EXPECT_EQ(Look(cache, "without ticket"), std::nullopt);
  LookAndInsert(cache, "large", std::string(ValueCache::kValueBytesMax + 1, 'l'));
  EXPECT_EQ(Look(cache, "large"), std::nullopt);
  EXPECT_EQ(cache.stats().hits, 3u);
}

TEST(ValueCache, ValueThatWasLookedUpBeforeAChangeEndedIsRefused) {
  ValueCache cache(1 << 20);
  ValueCache::Ticket before, during, after;
  EXPECT_EQ(Look(cache, "k", &before), std::nullopt);
  {
    ValueCache::Changing changing(&cache);
    changing.Add("k");
    EXPECT_EQ(Look(cache, "k", &during), std::nullopt);
    cache.Insert("k", before, AsBytes("old"), Version(1));
    EXPECT_EQ(Look(cache, "k"), std::nullopt) << "inserted during a change";
    cache.Insert("k", during, AsBytes("old"), Version(1));
    EXPECT_EQ(Look(cache, "k"), std::nullopt) << "looked up during a change";
  }
  cache.Insert("k", before, AsBytes("old"), Version(1));
  cache.Insert("k", during, AsBytes("old"), Version(1));
  EXPECT_EQ(Look(cache, "k", &after), std::nullopt) << "looked up before the change ended";
  cache.Insert("k", after, AsBytes("new"), Version(2));
  EXPECT_EQ(Look(cache, "k"), "new");
}

TEST(ValueCache, ChangeRemovesItsKeysAndAChangeOfAllRemovesEverything) {
  ValueCache cache(1 << 20);
  for (const char* key : {"a", "b", "c"}) LookAndInsert(cache, key, "value");
  {
    ValueCache::Changing changing(&cache);
    changing.Add("b");
    changing.Add("b");
    changing.Add("absent");
    EXPECT_EQ(Look(cache, "b"), std::nullopt);
    EXPECT_EQ(Look(cache, "a"), "value");
  }
  LookAndInsert(cache, "b", "new");
  EXPECT_EQ(Look(cache, "b"), "new");
  ValueCache::Ticket ticket;
  EXPECT_EQ(Look(cache, "d", &ticket), std::nullopt);
  {
    ValueCache::Changing changing(&cache);
    changing.AddAll();
  }
  for (const char* key : {"a", "b", "c"}) EXPECT_EQ(Look(cache, key), std::nullopt);
  cache.Insert("d", ticket, AsBytes("old"), Version(1));
  EXPECT_EQ(Look(cache, "d", &ticket), std::nullopt);
  EXPECT_EQ(cache.stats().bytes, 0u);
  cache.Clear();
  cache.Insert("d", ticket, AsBytes("old"), Version(1));
  EXPECT_EQ(Look(cache, "d"), std::nullopt) << "the ticket is from before the Clear";
}

TEST(ValueCache, KeepsItsBoundAndWhatIsReadAgain) {
  constexpr uint64_t kCapacity = 1 << 20;
  ValueCache cache(kCapacity);
  const std::string value(100, 'v');
  for (int i = 0; i < 100; ++i) LookAndInsert(cache, "hot" + std::to_string(i), value);
  for (int i = 0; i < 50'000; ++i) {
    LookAndInsert(cache, "once" + std::to_string(i), value);
    (void)Look(cache, "hot" + std::to_string(i % 100));
    ASSERT_LE(cache.stats().bytes, kCapacity);
  }
  EXPECT_GT(cache.stats().bytes, kCapacity / 2);
  int kept = 0;
  for (int i = 0; i < 100; ++i) kept += Look(cache, "hot" + std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(kept, 100) << "keys that are read once have displaced keys that are read often";
}

class CachedReadsTest : public EngineTest {
 protected:
  CachedReadsTest() {
    open_.value_cache_bytes = kMiB;
    format_.inline_bytes = 1000;
  }
  uint64_t Hits() const { return engine_->stats().value_cache_hits; }

  std::string GetInto(std::string_view key) {
    std::string out(10'000, '\0');
    const Result<uint64_t> bytes = engine_->GetInto(key, AsWritableBytes(out));
    return bytes.ok() ? out.substr(0, *bytes) : bytes.status().ToString();
  }
  std::string GetInSession(Session& session, std::string_view key) {
    std::string out(10'000, '\0');
    const SessionRead read{.key = key, .out = AsWritableBytes(out)};
    EXPECT_OK(session.SubmitGet(std::span(&read, 1)));
    EXPECT_TRUE(session.Wait(-1));
    SessionCompletion done;
    EXPECT_EQ(session.Drain(std::span(&done, 1)), 1u);
    const SessionAnswer answer =
        done.answers.empty() ? SessionAnswer{.status = done.status} : done.answers[0];
    return answer.status.ok() ? out.substr(0, answer.bytes) : answer.status.ToString();
  }
};

TEST_F(CachedReadsTest, SecondReadNeedsNeitherIndexNorDevice) {
  FormatAndOpen();
  Put("small", "inline");
  Put("payload", OneSlot(1));
  for (const char* key : {"small", "payload"}) {
    const uint64_t hits = Hits();
    const std::string value = Get(key);
    EXPECT_EQ(Hits(), hits);
    const uint64_t read = engine_->stats().device_bytes_read;
    EXPECT_EQ(Get(key), value);
    EXPECT_EQ(GetInto(key), value);
    EXPECT_EQ(Has(key), true);
    EXPECT_EQ(Hits(), hits + 3);
    EXPECT_EQ(engine_->stats().device_bytes_read, read);
  }
  std::byte few[3];
  EXPECT_STATUS(engine_->GetInto("payload", few), StatusCode::kInvalidArgument, "4096", "3");
  EXPECT_STATUS(engine_->Get(""), StatusCode::kInvalidArgument);
  EXPECT_GT(engine_->stats().value_cache_bytes, 4096u);
}

TEST_F(CachedReadsTest, ViewsReadTheirOwnVersion) {
  FormatAndOpen();
  Put("k", "old");
  EXPECT_EQ(Get("k"), "old");
  const std::shared_ptr<const ReadView> view = View();
  Put("k", "new");
  EXPECT_EQ(Get("k"), "new");
  ASSERT_OK_AND_ASSIGN(const Value value, engine_->Get("k", {.view = view.get()}));
  EXPECT_EQ(value.bytes, "old");
  EXPECT_EQ(Get("k"), "new");
}

TEST_F(CachedReadsTest, RefreshOfAReaderEmptiesItsCache) {
  FormatAndOpen();
  Put("k", "old");
  OpenOptions options = open_;
  options.read_only = true;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> reader, Engine::Open(dir_, options));
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK_AND_ASSIGN(const Value value, reader->Get("k"));
    EXPECT_EQ(value.bytes, "old");
  }
  EXPECT_EQ(reader->stats().value_cache_hits, 1u);
  Put("k", "new");
  ASSERT_OK(reader->Refresh());
  ASSERT_OK_AND_ASSIGN(const Value value, reader->Get("k"));
  EXPECT_EQ(value.bytes, "new");
}

// One thread changes the store and knows what each key must be. After each change it reads, while other
// threads read the same keys, and so insert them, all the time.
TEST_F(CachedReadsTest, NoReadIsOlderThanTheLastChange) {
  constexpr uint64_t kReadKeys = 8;
  constexpr int kChanges = 1'000;
  format_.runtime.durability = Durability::kUnsafeUnsynced;
  FormatAndOpen();
  std::vector<std::string> keys;
  for (uint64_t i = 0; i < kReadKeys; ++i) keys.push_back("k" + std::to_string(i));
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&, t] {
      Rng rng(t);
      while (!stop) {
        const std::string& key = keys[rng.Below(kReadKeys)];
        const Result<Value> value = engine_->Get(key);
        EXPECT_TRUE(value.ok() || value.status().code() == StatusCode::kNotFound)
            << value.status().ToString();
      }
    });
  }
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Session> session, engine_->OpenSession());
  Rng rng(1);
  using State = std::map<std::string, std::string>;
  State now, before;  // before the last change
  Version version_before = engine_->version();
  const std::string missing = Status::NotFound("no such key").ToString();
  for (int i = 0; i < kChanges && !HasFailure(); ++i) {
    const std::string& key = keys[rng.Below(kReadKeys)];
    const uint64_t choice = rng.Below(20);
    const Version version = engine_->version();
    if (choice == 0 && version_before < version) {
      ASSERT_OK(engine_->Rollback(version_before));
      now = before;
    } else {
      before = now;
      version_before = version;
      if (choice < 3) {
        Delete(key);
        now.erase(key);
      } else if (choice == 3) {
        WriteBatch batch;
        batch.DeleteRange(keys[2], keys[6]);
        ASSERT_OK(engine_->Commit(batch));
        now.erase(now.lower_bound(keys[2]), now.lower_bound(keys[6]));
      } else {
        now[key] = choice < 8 ? OneSlot(i) : "value " + std::to_string(i);
        Put(key, now[key]);
      }
    }
    for (const std::string& each : keys) {
      const std::string expected = now.contains(each) ? now[each] : missing;
      switch (rng.Below(3)) {
        case 0: {
          const Result<Value> value = engine_->Get(each);
          ASSERT_EQ(value.ok() ? value->bytes : value.status().ToString(), expected) << each;
          break;
        }
        case 1:
          ASSERT_EQ(GetInto(each), expected) << each;
          break;
        default:
          ASSERT_EQ(GetInSession(*session, each), expected) << each;
      }
    }
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(Hits(), 0u);
  ASSERT_OK(session->Close());
}

}  // namespace
}  // namespace rawkv
