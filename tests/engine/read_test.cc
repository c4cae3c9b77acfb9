// Reads at the tip and of views: every form of read, buffers, bounds and damage.

#include <sys/mman.h>

#include <fstream>

#include "blockdev/aligned_buffer.h"
#include "engine/admin/inspect.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

class ReadTest : public EngineTest {
 protected:
  // Inverts one byte of the payload that contains `content`.
  void DamageOnDevice(std::string_view content) {
    const std::string path = Path("device.img");
    std::fstream device(path, std::ios::in | std::ios::out | std::ios::binary);
    std::string all{std::istreambuf_iterator<char>(device), {}};
    const size_t at = all.find(content);
    ASSERT_NE(at, std::string::npos);
    device.clear();
    device.seekp(static_cast<std::streamoff>(at + content.size() / 2));
    device.put(static_cast<char>(~content[content.size() / 2]));
    whole_at_the_end_ = false;
  }
};

TEST_F(ReadTest, ValuesAtTheEdgesOfSlotsAndChunksReadBack) {
  FormatAndOpen();
  std::vector<uint64_t> sizes;
  for (const uint64_t edge :
       {uint64_t{1024}, uint64_t{4096}, uint64_t{8192}, 256 * kKiB, 512 * kKiB, 2 * kMiB}) {
    for (const uint64_t bytes : {edge - 1, edge, edge + 1}) sizes.push_back(bytes);
  }
  sizes.insert(sizes.end(), {0, 1, 3 * kMiB + 12345});
  for (const uint64_t bytes : sizes) Put(std::to_string(bytes), MakeValue({bytes, bytes}));
  for (int round = 0; round < 2; ++round) {
    for (const uint64_t bytes : sizes)
      EXPECT_EQ(DiffValue({bytes, bytes}, Get(std::to_string(bytes))), "") << bytes;
    Reopen();
  }
}

TEST_F(ReadTest, EmptyValueCountsAsPresent) {
  format_.inline_bytes = 0;
  FormatAndOpen();
  Put("empty", "");
  EXPECT_TRUE(Has("empty"));
  EXPECT_EQ(Get("empty"), "");
  std::byte none;
  ASSERT_OK_AND_ASSIGN(const uint64_t into, engine_->GetInto("empty", {&none, 0}));
  EXPECT_EQ(into, 0);
  EXPECT_EQ(*engine_->GetInto("empty", {}), 0);
  EXPECT_EQ(*engine_->GetRange("empty", 0, {&none, 1}), 0);
  EXPECT_EQ(Info().slots.live, 0);
}

TEST_F(ReadTest, AlignedBufferWithRoomIsFilledDirectly) {
  FormatAndOpen();
  const uint64_t length = 600 * kKiB + 5;
  const std::string value = MakeValue({1, length});
  Put("k", value);
  AlignedBuffer buffer(AlignUp(length, kBlockAlign));
  ASSERT_OK(engine_->GetInto("k", buffer.bytes()));
  EXPECT_EQ(AsStringView(buffer.bytes()).substr(0, length), value);
}

TEST_F(ReadTest, ErrorForASmallBufferNamesTheNeededLength) {
  FormatAndOpen();
  Put("inline", std::string(777, 'v'));
  Put("payload", MakeValue({1, 54321}));
  AlignedBuffer buffer(60000);
  std::fill_n(buffer.data(), buffer.size(), std::byte{0xa5});
  EXPECT_STATUS(engine_->GetInto("inline", buffer.bytes().first(776)), StatusCode::kInvalidArgument, "777");
  EXPECT_STATUS(engine_->GetInto("payload", buffer.bytes().first(54320)), StatusCode::kInvalidArgument,
                "54321");
  EXPECT_STATUS(engine_->GetInto("payload", {}), StatusCode::kInvalidArgument, "54321");
  for (const std::byte b : buffer.bytes()) ASSERT_EQ(b, std::byte{0xa5});
}

TEST_F(ReadTest, RangesEndWithTheValue) {
  FormatAndOpen();
  for (const uint64_t length : {uint64_t{500}, uint64_t{700 * kKiB}}) {
    const std::string key = std::to_string(length);
    Put(key, MakeValue({length, length}));
    const auto range = [&](uint64_t offset, uint64_t bytes) {
      std::string out(bytes, '\0');
      const Result<uint64_t> got = engine_->GetRange(key, offset, AsWritableBytes(out));
      EXPECT_OK(got);
      EXPECT_EQ(DiffPart({length, length}, offset, std::string_view(out).substr(0, *got)), "");
      return *got;
    };
    EXPECT_EQ(range(0, length), length);
    EXPECT_EQ(range(0, length + 100), length);
    EXPECT_EQ(range(length - 1, 100), 1);
    EXPECT_EQ(range(length, 100), 0);
    EXPECT_EQ(range(~uint64_t{0}, 100), 0);
    EXPECT_EQ(range(10, 0), 0);
    EXPECT_EQ(range(100, 50), 50);
  }
}

TEST_F(ReadTest, RangeReadsOnlyTheChunksItNeeds) {
  FormatAndOpen();
  Put("k", MakeValue({1, 4 * kMiB}));
  const uint64_t before = engine_->stats().device_bytes_read;
  std::string out(100, '\0');
  ASSERT_OK(engine_->GetRange("k", 2 * kMiB, AsWritableBytes(out)));
  EXPECT_LE(engine_->stats().device_bytes_read - before, 256 * kKiB);
}

TEST_F(ReadTest, MultiGetAnswersEachKeyInOrder) {
  FormatAndOpen();
  for (uint64_t i = 0; i < 300; ++i) Put("k" + std::to_string(i), MakeValue({i, i * 50}));
  std::vector<std::string> names;
  for (uint64_t i = 0; i < 600; ++i) names.push_back("k" + std::to_string(i * 7 % 400));
  const std::vector<std::string_view> keys(names.begin(), names.end());
  const std::vector<Result<Value>> got = engine_->MultiGet(keys);
  ASSERT_EQ(got.size(), 600);
  for (uint64_t i = 0; i < 600; ++i) {
    const uint64_t k = i * 7 % 400;
    if (k >= 300) {
      EXPECT_STATUS(got[i], StatusCode::kNotFound);
      continue;
    }
    ASSERT_OK(got[i]);
    EXPECT_EQ(DiffValue({k, k * 50}, got[i]->bytes), "");
    EXPECT_EQ(got[i]->written_by, Version(k + 1));
  }
  EXPECT_TRUE(engine_->MultiGet({}).empty());
}

TEST_F(ReadTest, MultiGetIntoFillsTheBuffersOfTheCaller) {
  FormatAndOpen();
  constexpr uint64_t kBytes = 600'000;  // three chunks
  for (uint64_t i = 0; i < 6; ++i) Put("k" + std::to_string(i), MakeValue({i, kBytes - i}));
  Put("small", "inline");
  const auto view = View();
  Put("k0", "changed");
  const std::string_view keys[] = {"k0", "absent", "k1", "k2", "small", "k3", "", "k4", "k1", "k5"};
  AlignedBuffer memory(std::size(keys) * AlignUp(kBytes, kBlockAlign));
  std::vector<SessionRead> reads;
  for (size_t i = 0; i < std::size(keys); ++i) {
    // Every second buffer is unaligned, so that its value is copied.
    const Bytes own = memory.bytes().subspan(i * AlignUp(kBytes, kBlockAlign), AlignUp(kBytes, kBlockAlign));
    reads.push_back({keys[i], i % 2 == 0 ? own : own.subspan(1)});
  }
  reads[7].out = reads[7].out.first(1000);  // k4 does not fit
  const std::vector<SessionAnswer> answers = engine_->MultiGetInto(reads, {.view = view.get()});
  ASSERT_EQ(answers.size(), std::size(keys));
  for (size_t i = 0; i < std::size(keys); ++i) {
    const std::string_view bytes = AsStringView(ConstBytes(reads[i].out));
    if (keys[i] == "absent") {
      EXPECT_STATUS(answers[i].status, StatusCode::kNotFound);
    } else if (keys[i].empty()) {
      EXPECT_STATUS(answers[i].status, StatusCode::kInvalidArgument);
    } else if (keys[i] == "k4") {
      EXPECT_STATUS(answers[i].status, StatusCode::kInvalidArgument, "599996", "1000");
      EXPECT_EQ(answers[i].bytes, kBytes - 4);
    } else if (keys[i] == "small") {
      EXPECT_EQ(bytes.substr(0, answers[i].bytes), "inline");
      EXPECT_EQ(answers[i].written_by, Version(7));
    } else {
      const uint64_t k = static_cast<uint64_t>(keys[i][1] - '0');
      ASSERT_OK(answers[i].status);
      EXPECT_EQ(DiffValue({k, kBytes - k}, bytes.substr(0, answers[i].bytes)), "");
      EXPECT_EQ(answers[i].written_by, Version(k + 1));
    }
  }
  EXPECT_TRUE(engine_->MultiGetInto({}).empty());
}

TEST_F(ReadTest, MultiGetIntoRefusesMemoryThatOverlaps) {
  FormatAndOpen();
  Put("a", MakeValue({1, 9000}));
  Put("b", MakeValue({2, 9000}));
  AlignedBuffer memory(5 * kBlockAlign);
  SessionRead reads[] = {
      {"a", memory.bytes().subspan(8999, 9000)}, {"none", {}}, {"b", memory.bytes().first(9000)}};
  for (const SessionAnswer& answer : engine_->MultiGetInto(reads)) {
    EXPECT_STATUS(answer.status, StatusCode::kInvalidArgument, R"(key "b")", R"(key "a")", "overlaps");
  }
  reads[0].out = memory.bytes().subspan(9000, 9000);
  const std::vector<SessionAnswer> answers = engine_->MultiGetInto(reads);
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_OK(answers[0].status);
  EXPECT_STATUS(answers[1].status, StatusCode::kNotFound);
  EXPECT_OK(answers[2].status);
}

TEST_F(ReadTest, ViewStaysAtItsVersion) {
  FormatAndOpen();
  Put("k", OneSlot(1));
  Put("gone", OneSlot(10));
  const auto view = View();
  EXPECT_EQ(view->version(), Version(2));
  Put("k", OneSlot(2));
  Delete("gone");
  Put("new", "v");
  const ReadOptions at{.view = view.get()};
  EXPECT_EQ(engine_->Get("k", at)->bytes, OneSlot(1));
  EXPECT_EQ(engine_->Get("k", at)->written_by, Version(1));
  EXPECT_EQ(engine_->Get("gone", at)->bytes, OneSlot(10));
  EXPECT_STATUS(engine_->Get("new", at), StatusCode::kNotFound);
  EXPECT_FALSE(*engine_->Exists("new", at));
  const std::vector<std::string_view> keys{"k", "gone", "new"};
  const auto got = engine_->MultiGet(keys, at);
  EXPECT_EQ(got[0]->bytes, OneSlot(1));
  EXPECT_EQ(got[1]->bytes, OneSlot(10));
  EXPECT_STATUS(got[2], StatusCode::kNotFound);
  std::string part(100, '\0');
  ASSERT_OK(engine_->GetRange("k", 1000, AsWritableBytes(part), at));
  EXPECT_EQ(part, OneSlot(1).substr(1000, 100));
}

TEST_F(ReadTest, OldVersionsAreRebuiltFromSnapshotAndLog) {
  FormatAndOpen();
  Overwrite("k", 4);
  ASSERT_OK(engine_->CreateSnapshot());
  Overwrite("k", 4);
  for (uint64_t v = 1; v <= 8; ++v) {
    EXPECT_EQ(View(Version(v))->version(), Version(v));
    EXPECT_EQ(Get("k", Version(v)), OneSlot(v));
  }
  EXPECT_FALSE(Has("k", Version(0)));
  EXPECT_STATUS(engine_->OpenView(Version(9)), StatusCode::kVersionUnreachable, "9", "0…8");
}

TEST_F(ReadTest, IteratorShowsItsVersionDespiteLaterCommits) {
  FormatAndOpen();
  for (const char* key : {"a", "b", "c"}) Put(key, OneSlot(static_cast<uint64_t>(*key)));
  auto it = *engine_->NewIterator();
  it->SeekToFirst();
  WriteBatch batch;
  batch.DeletePrefix("");
  batch.Put("aa", "new");
  ASSERT_OK(engine_->Commit(batch));
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Prune(0));
  std::string walked;
  for (; it->Valid(); it->Next()) {
    walked += it->key();
    EXPECT_EQ(*it->ReadValue(), OneSlot(static_cast<uint64_t>(it->key()[0])));
  }
  EXPECT_OK(it->status());
  EXPECT_EQ(walked, "abc");
}

TEST_F(ReadTest, IteratorAppliesBoundsAndPrefixTogether) {
  FormatAndOpen();
  for (const char* key : {"a", "b", "ba", "bb", "bc", "c", "\xff", "\xff\xff"}) Put(key, key);
  const auto walk = [&](IteratorOptions options) {
    std::string forward, backward;
    auto it = *engine_->NewIterator(options);
    for (it->SeekToFirst(); it->Valid(); it->Next()) forward += std::string(it->key()) + ",";
    EXPECT_OK(it->status());
    std::vector<std::string> keys;
    for (it->SeekToLast(); it->Valid(); it->Prev()) keys.emplace_back(it->key());
    for (auto key = keys.rbegin(); key != keys.rend(); ++key) backward += *key + ",";
    EXPECT_EQ(forward, backward);
    return forward;
  };
  EXPECT_EQ(walk({}), "a,b,ba,bb,bc,c,\xff,\xff\xff,");
  EXPECT_EQ(walk({.lower = "b"}), "b,ba,bb,bc,c,\xff,\xff\xff,");
  EXPECT_EQ(walk({.upper = "b"}), "a,");
  EXPECT_EQ(walk({.lower = "b", .upper = "bb"}), "b,ba,");
  EXPECT_EQ(walk({.prefix = "b"}), "b,ba,bb,bc,");
  EXPECT_EQ(walk({.lower = "bb", .prefix = "b"}), "bb,bc,");
  EXPECT_EQ(walk({.upper = "bb", .prefix = "b"}), "b,ba,");
  EXPECT_EQ(walk({.lower = "a", .upper = "z", .prefix = "\xff"}), "");
  EXPECT_EQ(walk({.prefix = "\xff"}), "\xff,\xff\xff,");
  EXPECT_EQ(walk({.lower = "c", .upper = "b"}), "");
  EXPECT_EQ(walk({.lower = "b", .upper = "b"}), "");
  EXPECT_EQ(walk({.prefix = "nothing"}), "");
}

TEST_F(ReadTest, IteratorSeeksWithinItsBounds) {
  FormatAndOpen();
  for (const char* key : {"a", "c", "e", "g"}) Put(key, key);
  auto it = *engine_->NewIterator({.lower = "b", .upper = "f"});
  EXPECT_FALSE(it->Valid());
  it->Seek("a");
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), "c");
  it->Seek("d");
  EXPECT_EQ(it->key(), "e");
  it->Next();
  EXPECT_FALSE(it->Valid());
  EXPECT_OK(it->status());
  it->Seek("e");
  it->Prev();
  EXPECT_EQ(it->key(), "c");
  it->Prev();
  EXPECT_FALSE(it->Valid());
  it->Seek("f");
  EXPECT_FALSE(it->Valid());
  it->SeekToLast();
  EXPECT_EQ(it->key(), "e");
}

TEST_F(ReadTest, DamagedPayloadIsNeverReturned) {
  open_.engine = IoEngine::kPosix;
  format_.capacity_bytes = 16 * kMiB;  // small, because the test searches the whole device
  FormatAndOpen();
  const std::string good = MakeValue({1, 300 * kKiB});
  const std::string bad = MakeValue({2, 700 * kKiB});
  Put("good", good);
  Put("bad", bad);
  Close();
  DamageOnDevice(std::string_view(bad).substr(300 * kKiB, 8192));  // in its second chunk
  Open();
  EXPECT_STATUS(engine_->Get("bad"), StatusCode::kCorruption, "bad", "chunk 1", "slot");
  std::string into(bad.size(), '\0');
  EXPECT_STATUS(engine_->GetInto("bad", AsWritableBytes(into)), StatusCode::kCorruption);
  const std::vector<std::string_view> keys{"bad", "good"};
  const auto got = engine_->MultiGet(keys);
  EXPECT_STATUS(got[0], StatusCode::kCorruption, "bad");
  ASSERT_OK(got[1]);
  EXPECT_EQ(got[1]->bytes, good);
  auto it = *engine_->NewIterator();
  it->SeekToFirst();
  EXPECT_STATUS(it->ReadValue(), StatusCode::kCorruption, "bad");
  it->Next();
  EXPECT_OK(it->ReadValue());
  it.reset();
  // Undamaged chunks can be read with GetRange.
  std::string part(1000, '\0');
  EXPECT_OK(engine_->GetRange("bad", 100, AsWritableBytes(part)));
  EXPECT_EQ(part, bad.substr(100, 1000));
  EXPECT_STATUS(engine_->GetRange("bad", 400 * kKiB, AsWritableBytes(part)), StatusCode::kCorruption);
  // Commits still work, an export fails instead of copying the damage, and the check names the key.
  EXPECT_STATUS(engine_->Export({.version = Version(2), .out = tmp_.File("out"), .progress = {}}),
                StatusCode::kCorruption);
  EmptyCommit();
  Close();
  ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckStore(dir_, {.deep = true}, open_));
  ASSERT_EQ(report.findings.size(), 1);
  EXPECT_EQ(report.findings.front().kind, "payload");
  EXPECT_EQ(report.findings.front().where, "bad");
}

TEST_F(ReadTest, StalePayloadOfTheSameKeyIsNeverReturned) {
  // Copies the slot of version 1's payload over that of version 2: the bytes are valid but belong to another
  // write.
  open_.engine = IoEngine::kPosix;
  format_.capacity_bytes = 16 * kMiB;  // small, because the test searches the whole device
  FormatAndOpen();
  Put("k", OneSlot(1));
  Close();
  std::fstream device(Path("device.img"), std::ios::in | std::ios::out | std::ios::binary);
  std::string all{std::istreambuf_iterator<char>(device), {}};
  const size_t first = all.find(OneSlot(1));
  ASSERT_NE(first, std::string::npos);
  Open();
  Put("k", OneSlot(2));
  Close();
  device.clear();
  device.seekg(0);
  all.assign(std::istreambuf_iterator<char>(device), {});
  const size_t second = all.find(OneSlot(2));
  ASSERT_NE(second, std::string::npos);
  device.clear();
  device.seekp(static_cast<std::streamoff>(second));
  device << OneSlot(1);
  device.close();
  whole_at_the_end_ = false;
  Open();
  EXPECT_STATUS(engine_->Get("k"), StatusCode::kCorruption);
}

}  // namespace
}  // namespace rawkv
