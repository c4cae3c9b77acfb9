// OrderTable against a table that compares every pair of operations.

#include <algorithm>
#include <memory>
#include <random>

#include "engine/session/order_table.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

struct OrderedOp {
  explicit OrderedOp(Place::Kind kind) : place(kind) {}
  Place place;
  std::vector<std::string> keys;
  std::optional<std::pair<std::string, std::string>> range;
  bool fast = false;
  bool begun = false;
  uint64_t turn = 0;  // of a write at the committer
  bool done = false;

  bool Names(const std::string& key) const {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) return true;
    return range && key >= range->first && (range->second.empty() || key < range->second);
  }
  bool Meets(const OrderedOp& other) const {
    if (range && other.range) return true;  // the table orders all range deletes
    for (const std::string& key : keys) {
      if (other.Names(key)) return true;
    }
    return std::any_of(other.keys.begin(), other.keys.end(), [&](const auto& key) { return Names(key); });
  }
};

// Whether `op` may begin, by rules 1 to 3 of OrderTable.
bool MayBegin(const std::vector<std::unique_ptr<OrderedOp>>& all, size_t index) {
  const OrderedOp& op = *all[index];
  for (size_t i = 0; i < index; ++i) {
    const OrderedOp& earlier = *all[i];
    const bool reads = earlier.place.place_kind() == Place::Kind::kRead;
    const bool writes = earlier.place.place_kind() == Place::Kind::kWrite;
    switch (op.place.place_kind()) {
      case Place::Kind::kRead:
        if (writes && !earlier.done && op.Meets(earlier)) return false;
        break;
      case Place::Kind::kWrite:
        if (reads && earlier.fast && !earlier.begun) return false;
        if ((reads || writes) && !earlier.begun && op.Meets(earlier)) return false;
        break;
      case Place::Kind::kSync:
        if (writes && !earlier.begun) return false;
        break;
    }
  }
  return true;
}

class OrderHistory {
 public:
  explicit OrderHistory(uint64_t seed) : random_(seed) {}

  void Run(size_t steps) {
    for (size_t step = 0; step < steps; ++step) {
      if (random_() % 5 < 2) {
        Add();
      } else {
        Advance();
      }
      Check();
      if (testing::Test::HasFailure()) return;
    }
    while (Advance()) Check();
    for (const auto& op : ops_) {
      EXPECT_TRUE(op->begun) << "a place waits for ever";
    }
    EXPECT_TRUE(table_.empty());
  }

 private:
  std::string Key() { return std::string(1, static_cast<char>('a' + random_() % 6)); }

  void Add() {
    const uint64_t kind = random_() % 10;
    auto op = std::make_unique<OrderedOp>(kind < 5   ? Place::Kind::kRead
                                          : kind < 9 ? Place::Kind::kWrite
                                                     : Place::Kind::kSync);
    bool begins = true;
    if (op->place.place_kind() == Place::Kind::kRead) {
      for (uint64_t n = random_() % 3 + 1; n > 0; --n) op->keys.push_back(Key());
      op->fast = table_.TryFastRead();
      const std::vector<std::string_view> keys(op->keys.begin(), op->keys.end());
      if (!op->fast) begins = table_.AddRead(op->place, keys);
    } else if (op->place.place_kind() == Place::Kind::kWrite) {
      WriteBatch batch;
      for (uint64_t n = random_() % 3; n > 0; --n) {
        op->keys.push_back(Key());
        batch.Put(op->keys.back(), "x");
      }
      if (random_() % 6 == 0) {
        op->range = {Key(), random_() % 2 == 0 ? "" : "z"};
        batch.DeleteRange(op->range->first, op->range->second);
      }
      begins = table_.AddWrite(op->place, batch);
    } else {
      begins = table_.AddSync(op->place);
    }
    ready_.push_back(begins);
    ops_.push_back(std::move(op));
  }

  // Begins a ready place, or finishes the first write at the committer.
  bool Advance() {
    std::vector<size_t> possible;
    for (size_t i = 0; i < ops_.size(); ++i) {
      if (ops_[i]->begun ? ops_[i]->turn == finished_ + 1 : ready_[i]) possible.push_back(i);
    }
    if (possible.empty()) return false;
    const size_t i = possible[random_() % possible.size()];
    OrderedOp& op = *ops_[i];
    ReadyPlaces ready;
    if (op.begun) {
      op.done = true;
      ++finished_;
      table_.FinishWrite(op.place, ready);
    } else {
      op.begun = true;
      if (op.place.place_kind() == Place::Kind::kWrite) op.turn = ++queued_;
      op.fast ? table_.EndFastRead(ready) : table_.Begin(op.place, ready);
    }
    while (Place* place = ready.Pop()) {
      const auto it =
          std::find_if(ops_.begin(), ops_.end(), [&](const auto& other) { return &other->place == place; });
      const auto index = static_cast<size_t>(it - ops_.begin());
      EXPECT_FALSE(ready_[index]) << "a place becomes ready once";
      ready_[index] = true;
    }
    return true;
  }

  // A place is ready if and only if the rules let it begin.
  void Check() {
    for (size_t i = 0; i < ops_.size(); ++i) {
      if (!ops_[i]->begun) ASSERT_EQ(ready_[i], MayBegin(ops_, i)) << "operation " << i;
    }
  }

  std::mt19937_64 random_;
  OrderTable table_;
  std::vector<std::unique_ptr<OrderedOp>> ops_;
  std::vector<bool> ready_;
  uint64_t queued_ = 0;
  uint64_t finished_ = 0;
};

TEST(SessionOrder, PlacesBeginExactlyWhenTheRulesLetThem) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    OrderHistory(seed).Run(120);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace rawkv
