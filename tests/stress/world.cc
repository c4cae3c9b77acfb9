#include "tests/stress/world.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace rawkv::stress {
namespace {

using Call = CallBoard::Call;

constexpr int64_t kPollMs = 20;
// The most commits that a settlement asks for one by one. A larger settlement reads the content.
constexpr uint64_t kMaxNamed = 5000;

}  // namespace

std::string KeyName(uint64_t key) {
  const std::string digits = std::to_string(key);
  return "key-" + std::string(3 - digits.size(), '0') + digits;
}

// The seed holds 8 bits of key, 20 of length and 36 of a serial number.
ValueRecipe SelfDescribingValue(uint64_t key, uint64_t bytes, uint64_t serial) {
  return {key | bytes << 8 | serial << 28, bytes};
}

ReadRecipe RecipeOf(std::string_view key, std::string_view bytes) {
  if (bytes.size() < 8) return {{}, std::to_string(bytes.size()) + " bytes, too few for any value"};
  const uint64_t seed = SeedOf(bytes);
  const ValueRecipe recipe{seed, seed >> 8 & 0xfffff};
  if (KeyName(seed & 0xff) != key) return {recipe, "it is a value of another key"};
  return {recipe, DiffValue(recipe, bytes)};
}

std::string Describe(const std::optional<ModelEntry>& entry) {
  if (!entry) return "no value";
  return "value " + ToHex(entry->value.seed) + " of " + std::to_string(entry->value.bytes) +
         " bytes, written by version " + ToString(entry->written_by);
}

void Gate::Enter() {
  MutexLock lock(mu_);
  ++workers_;
}

void Gate::Leave() {
  MutexLock lock(mu_);
  --workers_;
  changed_.NotifyAll();
}

void Gate::Pass() {
  MutexLock lock(mu_);
  if (!closed_) return;
  ++parked_;
  changed_.NotifyAll();
  while (closed_) changed_.Wait(mu_);
  --parked_;
}

void Gate::Close() {
  MutexLock lock(mu_);
  closed_ = true;
  while (parked_ != workers_) changed_.Wait(mu_);
}

void Gate::Open() {
  MutexLock lock(mu_);
  closed_ = false;
  changed_.NotifyAll();
}

World::World(const StressOptions& o, std::string run)
    : options(o), violations(o.max_violations, std::move(run)), board(o.threads + 1) {}

bool World::Expect(const char* operation, const Status& status, std::initializer_list<StatusCode> allowed,
                   const std::string& detail) {
  tally.Count(operation, status.code());
  if (status.ok()) return true;
  if (std::find(allowed.begin(), allowed.end(), status.code()) == allowed.end()) {
    Violation(std::string(operation) + (detail.empty() ? "" : " " + detail) + " answered " +
              status.ToString());
  }
  return false;
}

Version World::TipNow() const {
  const Version tip = engine->version();
  return options.plant == Plant::kAhead && tip > kInitialVersion ? Previous(tip) : tip;
}

bool World::AskForCommits(size_t thread, const History::Settlement& settlement,
                          std::vector<CommitId>* commits) {
  if (settlement.top.value() - settlement.base.value() > kMaxNamed) return false;
  for (Version v = Next(settlement.base); v <= settlement.top; v = Next(v)) {
    const Call call(board, thread, "GetCommit", v.value());
    const Result<CommitRecord> record = engine->GetCommit(v);
    if (!Expect("get_commit", record.status(), {StatusCode::kVersionUnreachable})) return false;
    commits->push_back(IdOf(record->metadata));
  }
  return true;
}

void World::Settle(size_t thread, bool always) {
  MutexLock lock(settle_mu_);
  if (!always && !history.NeedsSettlement()) return;
  const std::optional<HeldView> held = HeldView::Open(*this, thread, std::nullopt);
  if (!held) return;
  while (!Done()) {
    const History::Settlement settlement = history.BeginSettlement(held->ticket());
    if (settlement.empty()) return;
    std::string answer;
    std::vector<CommitId> commits;
    if (AskForCommits(thread, settlement, &commits)) {
      answer = history.Settle(settlement, held->ticket(), commits);
    } else {
      const std::optional<ModelState> content = ReadContent(thread, held->view(), false);
      if (!content) return;
      answer = history.SettleByContent(settlement, held->ticket(), *content);
    }
    if (answer.empty()) return;
    if (answer != "again") return Violation(answer);
  }
}

bool World::AwaitExact(size_t thread, const History::ViewTicket& view) {
  const int64_t stalled_ms = static_cast<int64_t>(options.stall_seconds * 1000);
  for (int64_t waited = 0; waited < stalled_ms && !Done(); waited += kPollMs) {
    if (history.WaitExact(view, kPollMs)) return true;
    if (history.NeedsSettlement()) Settle(thread, false);
  }
  if (!Done()) {
    Violation("a view at version " + ToString(view.version) +
              " is open, but the acknowledged commits lead to version " + ToString(history.tip()) + " only");
  }
  return false;
}

bool World::AwaitTip(size_t thread, Version version, const History::Calm& calm, uint64_t ended) {
  const int64_t stalled_ms = static_cast<int64_t>(options.stall_seconds * 1000);
  for (int64_t waited = 0; waited < stalled_ms && !Done(); waited += kPollMs) {
    const bool there = history.WaitTip(version, kPollMs);
    const History::Overtaken by_rollback = history.OvertakenSince(calm, ended);
    if (by_rollback == History::Overtaken::kYes) return false;
    if (there && by_rollback == History::Overtaken::kNo) return true;
    if (history.NeedsSettlement()) Settle(thread, false);
    if (there) std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
  if (!Done()) {
    Violation("version() answered " + ToString(version) + ", but the acknowledged commits lead to version " +
              ToString(history.tip()) + " only");
  }
  return false;
}

std::optional<ModelState> World::ReadContent(size_t thread, const std::shared_ptr<const ReadView>& view,
                                             bool backwards) {
  ModelState out;
  const Call call(board, thread, "ReadContent", view->version().value());
  const Result<std::unique_ptr<Iterator>> it = engine->NewIterator({.view = view});
  if (!Expect("iterator", it.status(), {})) return std::nullopt;
  Iterator& at = **it;
  for (backwards ? at.SeekToLast() : at.SeekToFirst(); at.Valid(); backwards ? at.Prev() : at.Next()) {
    const std::string key(at.key());
    const std::string where = key + " at version " + ToString(view->version());
    const Result<std::string> value = at.ReadValue();
    if (!Expect("iterator_value", value.status(), {}, where)) return std::nullopt;
    const ReadRecipe read = RecipeOf(key, *value);
    if (!read.wrong.empty()) {
      Violation("the iterator's value of " + where + ": " + read.wrong);
      return std::nullopt;
    }
    if (at.value_bytes() != value->size())
      Violation("value_bytes() of " + where + " is not the value's length");
    out[key] = {read.recipe, at.written_by()};
  }
  if (!Expect("iterator_end", at.status(), {})) return std::nullopt;
  return out;
}

std::string World::FirstDifference(const ModelState& model, const ModelState& read) {
  for (uint64_t key = 0; key < kKeys; ++key) {
    const auto look = [&](const ModelState& state) -> std::optional<ModelEntry> {
      const auto it = state.find(KeyName(key));
      if (it == state.end()) return std::nullopt;
      return it->second;
    };
    const auto wanted = look(model);
    const auto got = look(read);
    if (wanted != got) return KeyName(key) + " differs: " + Describe(got) + "; expected " + Describe(wanted);
  }
  return model.size() == read.size() ? "" : "there are keys that nobody wrote";
}

bool World::FirstTimeComplete(uint64_t pass) {
  MutexLock lock(passes_mu_);
  return passes_.insert(pass).second;
}

World::Mood World::mood() const {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
  const uint64_t slice = static_cast<uint64_t>(now.count()) / 700;
  return static_cast<Mood>(MakeValue({slice ^ options.seed, 16}).back() & 3);
}

std::optional<HeldView> HeldView::Open(World& world, size_t thread, std::optional<Version> version) {
  HeldView held(world, thread);
  const uint64_t opened = world.history.Now();
  Result<std::shared_ptr<const ReadView>> view = [&] {
    const Call call(world.board, thread, version ? "OpenView(old)" : "OpenView",
                    version.value_or(Version()).value());
    return world.engine->OpenView(version);
  }();
  const char* name = version ? "old_view" : "tip_view";
  const bool opened_well = version ? world.Expect(name, view.status(), {StatusCode::kVersionUnreachable})
                                   : world.Expect(name, view.status(), {});
  if (!opened_well) return std::nullopt;
  held.view_ = *std::move(view);
  held.ticket_ = world.history.RegisterView(held.view_->version(), opened);
  if (version && held.version() != *version) {
    world.Violation("a view of version " + ToString(*version) + " is at version " + ToString(held.version()));
  }
  // No rollback goes below an open view, so that this holds during any other call.
  if (const Version tip = world.TipNow(); held.version() > tip && world.options.Has("tip_rule")) {
    world.Violation("a view is at version " + ToString(held.version()) + ", and version() answered " +
                    ToString(tip) + " afterwards");
  }
  return held;
}

HeldView::~HeldView() {
  if (view_ == nullptr) return;
  world_->history.ForgetView(ticket_);
  const Call call(world_->board, thread_, "close view", ticket_.version.value());
  view_.reset();
}

}  // namespace rawkv::stress
