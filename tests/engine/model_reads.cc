#include "tests/engine/model_reads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/extent.h"
#include "blockdev/aligned_buffer.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

constexpr std::byte kGuard{0xa5};
constexpr uint64_t kGuardBytes = 64;

ReadOptions OptionsOf(const ReadSubject& subject) {
  return {.view = subject.view.get()};
}

const ModelEntry* FindEntry(const ReadSubject& subject, const std::string& key) {
  const auto it = subject.state.find(key);
  return it == subject.state.end() ? nullptr : &it->second;
}

// A buffer of `bytes` at an aligned address or one byte after one. Guard bytes surround it, and nothing may
// write to them.
class GuardedBuffer {
 public:
  GuardedBuffer(uint64_t bytes, bool aligned)
      : buffer_(AlignUp(bytes + 1 + kGuardBytes, kBlockAlign)), shift_(aligned ? 0 : 1), bytes_(bytes) {
    std::fill_n(buffer_.data(), buffer_.size(), kGuard);
  }
  Bytes out() { return buffer_.bytes().subspan(shift_, bytes_); }
  std::string_view front(uint64_t bytes) { return AsStringView(out()).substr(0, bytes); }
  // Whether nothing after the first `bytes` of out() was written.
  bool IsUntouchedAfter(uint64_t bytes) const {
    return std::all_of(buffer_.data() + shift_ + bytes, buffer_.data() + buffer_.size(),
                       [](std::byte b) { return b == kGuard; });
  }

 private:
  AlignedBuffer buffer_;
  const uint64_t shift_;
  const uint64_t bytes_;
};

void CheckGet(const ReadSubject& subject, const std::string& key, const ModelEntry& expected) {
  const Result<Value> value = subject.engine.Get(key, OptionsOf(subject));
  ASSERT_OK(value);
  EXPECT_EQ(DiffValue(expected.value, value->bytes), "");
  EXPECT_EQ(value->written_by, expected.written_by);
}

void CheckGetInto(const ReadSubject& subject, const std::string& key, const ModelEntry& expected, Rng& rng) {
  const uint64_t length = expected.value.bytes;
  const bool aligned = rng.OneIn(2);
  const uint64_t room = rng.OneIn(2) ? AlignUp(length, kBlockAlign) : length + rng.Below(100);
  GuardedBuffer buffer(room, aligned);
  ASSERT_OK_AND_ASSIGN(const uint64_t got, subject.engine.GetInto(key, buffer.out(), OptionsOf(subject)));
  ASSERT_EQ(got, length);
  EXPECT_EQ(DiffValue(expected.value, buffer.front(length)), "");
  EXPECT_TRUE(buffer.IsUntouchedAfter(room));

  if (length == 0) return;
  const uint64_t too_little = rng.Below(length);
  GuardedBuffer small(too_little, aligned);
  EXPECT_STATUS(subject.engine.GetInto(key, small.out(), OptionsOf(subject)), StatusCode::kInvalidArgument,
                std::to_string(length));
  EXPECT_TRUE(small.IsUntouchedAfter(0));
}

void CheckGetRange(const ReadSubject& subject, const std::string& key, const ModelEntry& expected, Rng& rng) {
  const uint64_t length = expected.value.bytes;
  const uint64_t chunk_edge = length / kPayloadChunkBytes * kPayloadChunkBytes;
  const uint64_t offset = rng.OneIn(4) ? chunk_edge : rng.Below(length + 10);
  const uint64_t room = rng.OneIn(4) ? kPayloadChunkBytes : rng.Below(length + 10);
  GuardedBuffer buffer(room, rng.OneIn(2));
  ASSERT_OK_AND_ASSIGN(const uint64_t got,
                       subject.engine.GetRange(key, offset, buffer.out(), OptionsOf(subject)));
  ASSERT_EQ(got, offset >= length ? 0 : std::min(room, length - offset));
  EXPECT_EQ(DiffPart(expected.value, offset, buffer.front(got)), "");
  EXPECT_TRUE(buffer.IsUntouchedAfter(room));
}

void CheckAbsent(const ReadSubject& subject, const std::string& key) {
  GuardedBuffer buffer(100, true);
  EXPECT_STATUS(subject.engine.Get(key, OptionsOf(subject)), StatusCode::kNotFound);
  EXPECT_STATUS(subject.engine.GetInto(key, buffer.out(), OptionsOf(subject)), StatusCode::kNotFound);
  EXPECT_STATUS(subject.engine.GetRange(key, 0, buffer.out(), OptionsOf(subject)), StatusCode::kNotFound);
  EXPECT_TRUE(buffer.IsUntouchedAfter(0));
}

// The entries that an iterator with these options must show, in order.
std::vector<std::pair<std::string, ModelEntry>> Within(const ModelState& state,
                                                       const IteratorOptions& options) {
  std::vector<std::pair<std::string, ModelEntry>> out;
  for (const auto& [key, entry] : state) {
    if (key >= options.lower && (options.upper.empty() || key < options.upper) &&
        key.starts_with(options.prefix)) {
      out.emplace_back(key, entry);
    }
  }
  return out;
}

void CheckEntry(const Iterator& it, const std::string& key, const ModelEntry& expected, bool read) {
  EXPECT_EQ(it.key(), key);
  EXPECT_EQ(it.value_bytes(), expected.value.bytes);
  EXPECT_EQ(it.written_by(), expected.written_by);
  if (!read) return;
  const Result<std::string> value = it.ReadValue();
  ASSERT_OK(value);
  EXPECT_EQ(DiffValue(expected.value, *value), "");
}

}  // namespace

void CheckWhole(const ReadSubject& subject) {
  IteratorOptions options;
  options.view = subject.view;
  const auto made = subject.engine.NewIterator(options);
  ASSERT_OK(made);
  Iterator& it = **made;
  auto expected = subject.state.begin();
  for (it.SeekToFirst(); it.Valid(); it.Next(), ++expected) {
    ASSERT_NE(expected, subject.state.end()) << "an unexpected key: " << it.key();
    CheckEntry(it, expected->first, expected->second, true);
    if (testing::Test::HasFailure()) FAIL() << "at key " << expected->first;
  }
  ASSERT_OK(it.status());
  EXPECT_EQ(expected, subject.state.end()) << "a key is missing: " << expected->first;
}

void CheckOneKey(const ReadSubject& subject, const std::vector<std::string>& keys, Rng& rng) {
  const std::string& key = rng.Pick(keys);
  SCOPED_TRACE("key " + testing::PrintToString(key));
  const ModelEntry* const expected = FindEntry(subject, key);
  ASSERT_OK_AND_ASSIGN(const bool exists, subject.engine.Exists(key, OptionsOf(subject)));
  EXPECT_EQ(exists, expected != nullptr);
  if (expected == nullptr) return CheckAbsent(subject, key);
  SCOPED_TRACE(std::to_string(expected->value.bytes) + " bytes");
  CheckGet(subject, key, *expected);
  CheckGetInto(subject, key, *expected, rng);
  CheckGetRange(subject, key, *expected, rng);
}

void CheckMultiGet(const ReadSubject& subject, const std::vector<std::string>& keys, Rng& rng) {
  std::vector<std::string_view> asked;
  for (uint64_t n = rng.Below(20); n > 0; --n) asked.push_back(rng.Pick(keys));
  const std::vector<Result<Value>> got = subject.engine.MultiGet(asked, OptionsOf(subject));
  ASSERT_EQ(got.size(), asked.size());
  for (size_t i = 0; i < asked.size(); ++i) {
    const ModelEntry* const expected = FindEntry(subject, std::string(asked[i]));
    if (expected == nullptr) {
      EXPECT_STATUS(got[i], StatusCode::kNotFound);
      continue;
    }
    ASSERT_OK(got[i]);
    EXPECT_EQ(DiffValue(expected->value, got[i]->bytes), "");
    EXPECT_EQ(got[i]->written_by, expected->written_by);
  }

  std::vector<std::string> buffers;
  std::vector<SessionRead> reads;
  for (const Result<Value>& value : got) buffers.emplace_back(value.ok() ? value->bytes.size() : 0, '\0');
  for (size_t i = 0; i < asked.size(); ++i) reads.push_back({asked[i], AsWritableBytes(buffers[i])});
  const std::vector<SessionAnswer> answers = subject.engine.MultiGetInto(reads, OptionsOf(subject));
  ASSERT_EQ(answers.size(), asked.size());
  for (size_t i = 0; i < asked.size(); ++i) {
    ASSERT_EQ(answers[i].status.code(), got[i].status().code());
    if (!got[i].ok()) continue;
    EXPECT_EQ(answers[i].bytes, got[i]->bytes.size());
    EXPECT_EQ(answers[i].written_by, got[i]->written_by);
    EXPECT_TRUE(buffers[i] == got[i]->bytes);
  }
}

void CheckWalk(const ReadSubject& subject, const std::vector<std::string>& keys, Rng& rng) {
  IteratorOptions options;
  options.view = subject.view;
  if (rng.OneIn(2)) options.lower = rng.Pick(keys);
  if (rng.OneIn(2)) options.upper = rng.Pick(keys);
  if (rng.OneIn(3)) options.prefix = rng.Pick(keys).substr(0, rng.Below(4));
  const auto expected = Within(subject.state, options);
  const auto made = subject.engine.NewIterator(options);
  ASSERT_OK(made);
  Iterator& it = **made;
  EXPECT_FALSE(it.Valid());
  size_t at = expected.size();  // position of the iterator; size() means not valid
  for (int moves = 0; moves < 30; ++moves) {
    const uint64_t move = rng.Below(10);
    if (move == 0) {
      it.SeekToFirst();
      at = 0;
    } else if (move == 1) {
      it.SeekToLast();
      at = expected.empty() ? 0 : expected.size() - 1;
    } else if (move == 2 || at == expected.size()) {
      const std::string& key = rng.Pick(keys);
      it.Seek(key);
      at = static_cast<size_t>(
          std::find_if(expected.begin(), expected.end(), [&](const auto& e) { return e.first >= key; }) -
          expected.begin());
    } else if (move <= 6) {
      it.Next();
      ++at;
    } else {
      it.Prev();
      at = at == 0 ? expected.size() : at - 1;
    }
    ASSERT_OK(it.status());
    ASSERT_EQ(it.Valid(), at < expected.size()) << "after " << moves << " moves";
    if (it.Valid()) CheckEntry(it, expected[at].first, expected[at].second, rng.OneIn(4));
  }
}

}  // namespace rawkv
