#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/limits.h"
#include "base/mutex.h"
#include "engine/engine.h"
#include "tests/stress/call_board.h"
#include "tests/stress/history.h"
#include "tests/stress/stress_options.h"
#include "tests/stress/tally.h"
#include "tests/support/model.h"

namespace rawkv::stress {

inline constexpr uint64_t kKeys = 200;
inline constexpr uint64_t kInlineBytes = 512;
inline constexpr uint64_t kMaxValueBytes = 300 << 10;  // more than one 256 KiB chunk
inline constexpr Version kInitialVersion{7};

std::string KeyName(uint64_t key);
// A value that encodes its key, its length and a serial number that no other value has.
ValueRecipe SelfDescribingValue(uint64_t key, uint64_t bytes, uint64_t serial);
// The recipe of a value that was read, or the reason why it is not a value of `key`.
struct ReadRecipe {
  ValueRecipe recipe;
  std::string wrong;
};
ReadRecipe RecipeOf(std::string_view key, std::string_view bytes);
std::string Describe(const std::optional<ModelEntry>& entry);

// Stops all workers between two operations while the coordinator uses the store alone. Thread-safe.
class Gate {
 public:
  void Enter();  // a worker begins
  void Leave();  // a worker ends
  void Pass();   // a worker is between two operations
  void Close();  // waits until no worker is in an operation
  void Open();

 private:
  Mutex mu_;
  CondVar changed_;
  uint64_t workers_ RAWKV_GUARDED_BY(mu_) = 0;
  uint64_t parked_ RAWKV_GUARDED_BY(mu_) = 0;
  bool closed_ RAWKV_GUARDED_BY(mu_) = false;
};

// The state that all workers share: the store, its model and the counters.
class World {
 public:
  World(const StressOptions& options, std::string run);

  const StressOptions& options;
  Tally tally;
  Violations violations;
  CallBoard board;
  History history{kInitialVersion};
  Gate gate;
  std::unique_ptr<Engine> engine;  // changes only while the gate is closed
  std::string dir;                 // parent directory of all files
  std::string store_dir() const { return dir + "/store"; }
  OpenOptions open;
  FormatOptions format;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> serial{0};       // of values
  std::atomic<uint64_t> oldest{0};       // a version that was reachable some time ago
  std::atomic<uint64_t> judged{0};       // reads compared with the model
  std::atomic<uint64_t> overtaken{0};    // reads that were not compared because a rollback overlapped them
  std::atomic<uint64_t> rolled_back{0};  // rollbacks that succeeded
  std::atomic<uint64_t> most_slots{0};   // that GrowDevice reported; they stay across reopens and rollbacks
  std::atomic<uint64_t> scrub_stops_begun{0}, scrub_stops_ended{0};

  bool Done() const { return stop.load() || violations.Enough(); }
  // Counts the answer. Any code except ok and `allowed` is a violation. Returns whether the answer is ok.
  bool Expect(const char* operation, const Status& status, std::initializer_list<StatusCode> allowed,
              const std::string& detail = "");
  void Violation(const std::string& what) { violations.Add(what); }
  Version TipNow() const;  // the engine's version()

  // Asks the engine which commits follow the model's tip (History). With `always` also if no settlement is
  // needed.
  void Settle(size_t thread, bool always);
  // Waits until the model is exact up to an open view, and settles if needed. After the stall time, returns
  // false and counts a violation.
  bool AwaitExact(size_t thread, const History::ViewTicket& view);
  // The same for a read of the tip in a call that ended at tick `ended`. Also returns false if a rollback
  // overlapped the call.
  bool AwaitTip(size_t thread, Version version, const History::Calm& calm, uint64_t ended);
  // The whole content of a view. After an error, counts a violation and returns nothing.
  std::optional<ModelState> ReadContent(size_t thread, const std::shared_ptr<const ReadView>& view,
                                        bool backwards);
  // The first difference between the model and the content that was read; "" if there is none.
  static std::string FirstDifference(const ModelState& model, const ModelState& read);

  // Whether this is the first report that the scrub pass is complete. There may be only one.
  bool FirstTimeComplete(uint64_t pass);
  // Serializes rollbacks if overlapping rollbacks are left out.
  Mutex& one_rollback() { return one_rollback_; }
  // The emphasis of the present time slice, so that rare conditions occur.
  enum class Mood : uint8_t { kMixed, kFewViews, kNoRollbacks, kSlowCommits };
  Mood mood() const;

 private:
  // Asks GetCommit for the commits of the settlement's versions. Returns false if one is no longer retained.
  bool AskForCommits(size_t thread, const History::Settlement& settlement, std::vector<CommitId>* commits);

  Mutex one_rollback_;
  Mutex settle_mu_;  // one settlement at a time
  Mutex passes_mu_;
  std::set<uint64_t> passes_ RAWKV_GUARDED_BY(passes_mu_);
};

// An open view that is registered with the model.
class HeldView {
 public:
  // Returns nothing if the view could not be opened. A status that engine.h does not allow is a violation.
  static std::optional<HeldView> Open(World& world, size_t thread, std::optional<Version> version);
  ~HeldView();
  HeldView(HeldView&&) noexcept = default;
  HeldView& operator=(HeldView&&) = delete;

  const std::shared_ptr<const ReadView>& view() const { return view_; }
  const History::ViewTicket& ticket() const { return ticket_; }
  Version version() const { return ticket_.version; }

 private:
  HeldView(World& world, size_t thread) : world_(&world), thread_(thread) {}
  World* world_;
  size_t thread_;
  std::shared_ptr<const ReadView> view_;
  History::ViewTicket ticket_;
};

}  // namespace rawkv::stress
