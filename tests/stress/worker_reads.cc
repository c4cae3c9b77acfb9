#include <algorithm>
#include <chrono>
#include <thread>

#include "base/limits.h"
#include "tests/stress/worker.h"

namespace rawkv::stress {

using Call = CallBoard::Call;

void Worker::FillFrom(const Result<Value>& value, TipRead* read) {
  if (!world_.Expect(read->operation.c_str(), value.status(), {StatusCode::kNotFound}, read->key)) return;
  const ReadRecipe recipe = RecipeOf(read->key, value->bytes);
  if (!recipe.wrong.empty()) world_.Violation(read->operation + " of " + read->key + ": " + recipe.wrong);
  read->entry = ModelEntry{recipe.recipe, value->written_by};
  read->knows_writer = true;
}

Worker::TipRead Worker::ReadOnce() {
  TipRead read{.operation = "get", .key = KeyName(rng_.Below(kKeys))};
  read.calm = world_.history.TakeCalm();
  read.before = world_.engine->version();
  Engine& engine = *world_.engine;
  std::string buffer(kMaxValueBytes, '\0');
  switch (rng_.Below(4)) {
    case 0: {
      const Call call(world_.board, number_, "Get");
      FillFrom(engine.Get(read.key), &read);
      break;
    }
    case 1: {
      read.operation = "get_into";
      const Call call(world_.board, number_, "GetInto");
      const Result<uint64_t> length = engine.GetInto(read.key, AsWritableBytes(buffer));
      if (!world_.Expect("get_into", length.status(), {StatusCode::kNotFound})) break;
      const ReadRecipe recipe = RecipeOf(read.key, std::string_view(buffer).substr(0, *length));
      if (!recipe.wrong.empty()) world_.Violation("get_into of " + read.key + ": " + recipe.wrong);
      read.entry = ModelEntry{recipe.recipe, {}};
      break;
    }
    case 2: {
      read.operation = "get_range";
      read.offset = rng_.Below(20 << 10);
      buffer.resize(rng_.Between(1, 8 << 10));
      const Call call(world_.board, number_, "GetRange");
      const Result<uint64_t> length = engine.GetRange(read.key, read.offset, AsWritableBytes(buffer));
      if (!world_.Expect("get_range", length.status(), {StatusCode::kNotFound})) break;
      read.part = buffer.substr(0, *length);
      break;
    }
    default: {
      read.operation = "exists";
      read.exists_only = true;
      const Call call(world_.board, number_, "Exists");
      const Result<bool> there = engine.Exists(read.key);
      if (world_.Expect("exists", there.status(), {}) && *there) read.entry = ModelEntry{};
    }
  }
  read.after = world_.TipNow();
  read.ended = world_.history.Now();
  return read;
}

void Worker::ReadMany(std::vector<TipRead>* reads) {
  TipRead common{.operation = "multi_get"};
  common.calm = world_.history.TakeCalm();
  common.before = world_.engine->version();
  std::vector<std::string> names;
  for (uint64_t n = rng_.Between(1, 16); n > 0; --n) names.push_back(KeyName(rng_.Below(kKeys)));
  const std::vector<std::string_view> keys(names.begin(), names.end());
  const Call call(world_.board, number_, "MultiGet", keys.size());
  const std::vector<Result<Value>> values = world_.engine->MultiGet(keys);
  common.after = world_.TipNow();
  common.ended = world_.history.Now();
  if (values.size() != keys.size()) return world_.Violation("MultiGet answered another number of results");
  for (size_t i = 0; i < keys.size(); ++i) {
    TipRead read = common;
    read.key = names[i];
    FillFrom(values[i], &read);
    reads->push_back(std::move(read));
  }
}

void Worker::ReadTip() {
  std::vector<TipRead> reads;
  for (int i = 0; i < 24; ++i) {
    if (rng_.OneIn(6)) {
      ReadMany(&reads);
    } else {
      reads.push_back(ReadOnce());
    }
  }
  for (const TipRead& read : reads) JudgeTip(read);
  if (world_.options.plant == Plant::kHang) {
    const Call call(world_.board, number_, "Get that never returns");
    std::this_thread::sleep_for(std::chrono::seconds(world_.options.call_seconds + 30));
  }
}

bool Worker::Matches(const TipRead& read, const std::optional<ModelEntry>& entry) {
  if (read.part) {
    if (!entry) return false;
    const uint64_t left = entry->value.bytes - std::min(entry->value.bytes, read.offset);
    return read.part->size() <= left && DiffPart(entry->value, read.offset, *read.part).empty() &&
           (read.part->size() == left || !read.part->empty());
  }
  if (read.entry.has_value() != entry.has_value()) return false;
  if (!entry || read.exists_only) return true;
  return read.entry->value == entry->value &&
         (!read.knows_writer || read.entry->written_by == entry->written_by);
}

// A read of the tip shows one of the versions between version() before it and version() after it.
void Worker::JudgeTip(const TipRead& read) {
  if (!world_.options.Has("tip_rule")) return;
  if (!world_.AwaitTip(number_, read.after, read.calm, read.ended)) {
    ++world_.overtaken;
    return;
  }
  std::optional<ModelEntry> last;
  bool fits = false, blind = false;
  for (Version v = read.before; v <= read.after && !fits; v = Next(v)) {
    last = world_.history.Find(v, read.key);
    fits = Matches(read, last);
    blind = blind || world_.history.IsBlind(v);
  }
  if (world_.history.OvertakenSince(read.calm, read.ended) == History::Overtaken::kYes) {
    ++world_.overtaken;
    return;
  }
  ++world_.judged;
  if (read.knows_writer && read.entry->written_by > read.after) {
    return world_.Violation(read.operation + " of " + read.key + " read a value written by version " +
                            ToString(read.entry->written_by) + ", and version() answered " +
                            ToString(read.after) + " afterwards");
  }
  if (fits || blind) return;
  const std::string part = read.part ? std::to_string(read.part->size()) + " bytes from offset " : "";
  world_.Violation(read.operation + " of " + read.key + " between versions " + ToString(read.before) +
                   " and " + ToString(read.after) +
                   " differs: " + (read.part ? part + std::to_string(read.offset) : Describe(read.entry)) +
                   "; expected at last " + Describe(last));
}

void Worker::ReadView() {
  const World::Mood mood = world_.mood();
  if (mood == World::Mood::kFewViews) Pause(200);
  const bool old = world_.options.Has("old_view") && rng_.OneIn(3);
  if (!old && !world_.options.Has("tip_view")) return Pause(5);
  std::optional<Version> version;
  if (old) version = SomeVersion();
  const std::optional<HeldView> held = HeldView::Open(world_, number_, version);
  if (!held) return;
  if (mood == World::Mood::kFewViews && rng_.OneIn(2)) return;  // closed at once
  JudgeView(*held, old ? "old view" : "tip view");
  for (uint64_t again = rng_.OneIn(10) ? 3 : 0; again > 0 && mood != World::Mood::kFewViews; --again) {
    Pause(60);  // commits, prunes and reuse of slots happen meanwhile
    JudgeView(*held, "view held for a while");
  }
}

void Worker::JudgeView(const HeldView& held, const char* kind) {
  const Version version = held.version();
  const std::string where = std::string(kind) + " at version " + ToString(version);
  CommitId named = 0;
  if (version > kInitialVersion) {
    const Call call(world_.board, number_, "GetCommit", version.value());
    const Result<CommitRecord> record = world_.engine->GetCommit(version);
    if (!world_.Expect("get_commit", record.status(), {}, "for an open " + where)) return;
    if (record->version != version) world_.Violation("GetCommit answered another version");
    named = IdOf(record->metadata);
  }
  // Reads before it waits for the model: the view must not change meanwhile.
  std::optional<ModelState> content;
  if (rng_.OneIn(3)) {
    content = world_.ReadContent(number_, held.view(), rng_.OneIn(2));
    if (!content) return;
  }
  if (!world_.AwaitExact(number_, held.ticket()) || world_.history.IsBlind(version)) return;
  if (named != 0 && world_.history.CommitOf(version) != 0 && world_.history.CommitOf(version) != named) {
    world_.Violation("GetCommit for an open " + where + " names commit " + std::to_string(named) +
                     ", expected " + std::to_string(world_.history.CommitOf(version)));
  }
  if (!content) return ReadInView(held);
  const std::string difference = World::FirstDifference(world_.history.At(version), *content);
  if (!difference.empty()) world_.Violation(where + ": " + difference);
  ++world_.judged;
}

void Worker::ReadInView(const HeldView& held) {
  const ModelState wanted = world_.history.At(held.version());
  for (uint64_t n = rng_.Between(1, 12); n > 0; --n) {
    const std::string key = KeyName(rng_.Below(kKeys));
    const auto it = wanted.find(key);
    ReadOneInView(held, key, it == wanted.end() ? std::nullopt : std::optional<ModelEntry>(it->second));
  }
}

void Worker::ReadOneInView(const HeldView& held, const std::string& key,
                           const std::optional<ModelEntry>& wanted) {
  const ReadOptions options{.view = held.view().get()};
  TipRead read{.operation = "view_get", .key = key};
  const std::array<std::string_view, 1> keys = {key};
  std::string buffer(rng_.Between(1, 8 << 10), '\0');
  const Call call(world_.board, number_, "read in a view", held.version().value());
  switch (rng_.Below(5)) {
    case 0:
      FillFrom(world_.engine->Get(key, options), &read);
      break;
    case 1:
      FillFrom(world_.engine->MultiGet(keys, options).at(0), &read);
      break;
    case 2: {
      std::string value(wanted ? wanted->value.bytes : 0, '\0');
      const SessionRead into{key, AsWritableBytes(value)};
      const SessionAnswer answer = world_.engine->MultiGetInto(std::span(&into, 1), options).at(0);
      FillFrom(answer.status.ok() ? Result<Value>(Value{value, answer.written_by}) : answer.status, &read);
      break;
    }
    case 3: {
      const Result<bool> there = world_.engine->Exists(key, options);
      read.exists_only = true;
      if (world_.Expect("view_exists", there.status(), {}) && *there) read.entry = ModelEntry{};
      break;
    }
    default: {
      read.offset = rng_.Below(20 << 10);
      const Result<uint64_t> length =
          world_.engine->GetRange(key, read.offset, AsWritableBytes(buffer), options);
      if (world_.Expect("view_range", length.status(), {StatusCode::kNotFound}))
        read.part = buffer.substr(0, *length);
    }
  }
  ++world_.judged;
  if (Matches(read, wanted)) return;
  world_.Violation(
      "a read in a view at version " + ToString(held.version()) + " of " + key + " differs: " +
      (read.part ? std::to_string(read.part->size()) + " bytes from offset " + std::to_string(read.offset)
                 : Describe(read.entry)) +
      "; expected " + Describe(wanted));
}

// Opens an iterator of the tip, moves it a few steps, and closes it at any position.
void Worker::Iterate() {
  if (!world_.options.Has("iterator")) return Pause(5);
  if (world_.mood() == World::Mood::kFewViews) Pause(150);
  IteratorOptions options;
  if (rng_.OneIn(3)) options.lower = KeyName(rng_.Below(kKeys));
  if (rng_.OneIn(3)) options.upper = KeyName(rng_.Below(kKeys));
  if (rng_.OneIn(6)) options.prefix = "key-1";
  if (rng_.OneIn(3)) options.read_ahead_bytes = rng_.OneIn(2) ? 0 : 64 << 10;
  const bool every_value = rng_.OneIn(2);  // the iterator then reads ahead
  const History::Calm calm = world_.history.TakeCalm();
  const Call call(world_.board, number_, "Iterate");
  const Result<std::unique_ptr<Iterator>> made = world_.engine->NewIterator(options);
  if (!world_.Expect("iterator", made.status(), {})) return;
  const Version tip = world_.TipNow();
  Iterator& it = **made;
  std::string last;
  if (rng_.OneIn(8)) return;  // never positioned
  it.Seek(KeyName(rng_.Below(kKeys)));
  for (uint64_t steps = rng_.Below(every_value ? 40 : 12); steps > 0 && it.Valid(); --steps, it.Next()) {
    const std::string key(it.key());
    if (key <= last) world_.Violation("an iterator went from " + last + " to " + key);
    last = key;
    if (it.written_by() > tip && world_.options.Has("tip_rule") && world_.history.CalmSince(calm)) {
      world_.Violation("an iterator shows " + key + " written by version " + ToString(it.written_by()) +
                       ", and version() answered " + ToString(tip) + " afterwards");
    }
    if (!every_value && !rng_.OneIn(3)) continue;
    const Result<std::string> value = it.ReadValue();
    if (!world_.Expect("iterator_value", value.status(), {}, key)) return;
    if (const ReadRecipe read = RecipeOf(key, *value); !read.wrong.empty()) {
      world_.Violation("an iterator's value of " + key + ": " + read.wrong);
    }
  }
  (void)world_.Expect("iterator_end", it.status(), {});
}

}  // namespace rawkv::stress
