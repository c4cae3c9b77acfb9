#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "tests/support/model.h"
#include "tests/support/sim/sim_world.h"

namespace rawkv {

// What can happen to a store in one step of a history.
enum class SimOp : uint8_t {
  kCommitInline,
  kCommitPayload,
  kOverwrite,
  kDelete,
  kMultiKey,
  kSnapshot,
  kPrune,
  kRollback,
  kReopen,
  kFlush,  // a commit that makes the index flush in the background
  kExport,
  kImport,
};
constexpr size_t kSimOps = 12;
const char* SimOpName(SimOp op);

struct SimConfig {
  Durability durability = Durability::kSynced;
  uint64_t snapshot_interval = 0;
  uint64_t header_bytes = 0;
  uint64_t memtable_bytes = 32ull << 10;
  uint64_t wal_segment_bytes = 64ull << 10;
  uint64_t slots = 48;
  bool keeps_directories = false;  // SimDisk::KeepDirectories
  bool await_index = true;         // RocksDB's threads come to rest after each operation
};

// What a store has promised at one moment: what a power cut at it must bring back.
struct Promise {
  Model model{Version(0)};
  Version durable;                                     // the tip may be anything from here to the model's
  std::vector<std::pair<Version, Version>> reachable;  // versions that can be read
  struct Copy {
    Version version;
    ModelState content;
  };
  std::map<std::string, Copy> exports, imports;  // finished, by directory
  bool Reaches(Version version) const;
};

// A store in a simulated world, and the model of what it must hold, driven together by a history of
// operations. Each operation that ends leaves a mark in the disk's trace, with its place among promises().
class SimStore {
 public:
  static constexpr const char* kDir = "/store";
  static constexpr const char* kJudgeDevice = "/judge-device";  // for copies that a judge makes

  SimStore(SimWorld& world, const SimConfig& config, uint64_t seed);
  ~SimStore();

  Status Format();
  // What the histories begin with: some versions, a snapshot, an export. Closed afterwards.
  Status Furnish();
  // Begins a history on a store that holds `promise`.
  Status Open(Promise promise);
  Status Run(SimOp op);
  Status Close();
  // After the process was killed in an operation: lets go of the engine, which changes nothing any more,
  // restarts the process and opens the store as it lies in the caches.
  Status OpenAgain();
  // Notes what such an open found, as in force from now on.
  Status Adopt(const Promise& found);
  const std::vector<Promise>& promises() const { return promises_; }
  Engine& engine() { return *engine_; }

  static OpenOptions Options(const Environment& env, const SimConfig& config);

 private:
  Status Commit(const ModelBatch& batch);
  Status Rollback();
  Status Export();
  Status Import();
  Status OpenEngine();
  Status Kept();  // notes the promise now in force
  ModelOp Put(const std::string& key, uint64_t bytes);

  SimWorld& world_;
  const SimConfig config_;
  std::unique_ptr<Engine> engine_;
  Promise now_;
  std::vector<Promise> promises_;
  uint64_t next_seed_;
  uint64_t step_ = 0;
};

}  // namespace rawkv
