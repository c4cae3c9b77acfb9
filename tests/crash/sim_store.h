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

// One operation of a history.
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
  kPinOld,  // pins the version before the tip, which has no snapshot, in place of an earlier pin
  kTrim,
  kGrow,  // makes the device larger by four slots, up to eight slots in all
};
constexpr size_t kSimOps = 15;
const char* SimOpName(SimOp op);

struct SimConfig {
  Durability durability = Durability::kSynced;
  uint64_t snapshot_interval = 0;
  uint64_t header_bytes = 0;
  uint64_t memtable_bytes = 32ull << 10;
  uint64_t wal_segment_bytes = 64ull << 10;
  uint64_t slots = 48;
  uint64_t undo_versions = RuntimeSettings().undo_versions;
  bool keeps_directories = false;  // SimDisk::KeepDirectories
  bool checkpoints = false;        // in the metadata region, which has the same size either way
  bool await_index = true;         // waits for RocksDB's threads after each operation
};

// The promise of a store at one moment: the state that must be there after a power cut.
struct Promise {
  Model model{Version(0)};
  Version durable;  // the tip after a crash lies between this version and the model's tip
  std::vector<std::pair<Version, Version>> reachable;  // versions that can be read
  struct Copy {
    Version version;
    ModelState content;
  };
  std::map<std::string, Copy> exports, imports;  // finished, by directory
  bool Reaches(Version version) const;
};

// Runs a history of operations on a store in a simulated world and on a model of its expected content. Each
// operation that ends leaves a mark in the disk's trace; the mark is the index of its promise in promises().
class SimStore {
 public:
  static constexpr const char* kDir = "/store";
  static constexpr const char* kJudgeDevice = "/judge-device";  // for imports that a judge makes

  SimStore(SimWorld& world, const SimConfig& config, uint64_t seed);
  ~SimStore();

  Status Format();
  // Makes the start of the histories: some versions, a snapshot and an export. Closes the store.
  Status MakeStartHistory();
  // Begins a history on a store whose state is `promise`.
  Status Open(Promise promise);
  Status Run(SimOp op);
  Status Close();
  // After a kill in an operation: destroys the engine, which has no effect any more, starts another process,
  // and opens the store from the kernel's caches.
  Status ReopenAfterKill();
  // Records the state that such an open found as the current promise.
  Status Adopt(const Promise& found);
  const std::vector<Promise>& promises() const { return promises_; }
  Engine& engine() { return *engine_; }

  static OpenOptions Options(const Environment& env, const SimConfig& config);
  static FormatOptions FormatFor(const Environment& env, const SimConfig& config, const std::string& device);

 private:
  Status Commit(const ModelBatch& batch);
  Status Rollback();
  Status Export();
  Status Import();
  Status PinOld();
  Status Grow();
  Status OpenEngine();
  Status RecordPromise();  // records the current promise
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
