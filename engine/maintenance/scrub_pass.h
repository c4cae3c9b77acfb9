#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/lineage_chain.h"
#include "engine/api/scrub.h"
#include "engine/live/core.h"
#include "engine/live/operation_gate.h"
#include "engine/maintenance/maintenance.h"
#include "engine/maintenance/scrub_state.h"
#include "engine/read/reader_epochs.h"

namespace rawkv {

// The parts of an open store that a scrub reads.
struct ScrubParts {
  StoreContext& context;
  Core& core;
  Maintenance& maintenance;
  OperationGate& gate;
  ReaderEpochs& epochs;
  std::function<Status()> readable;  // not ok once the store is closed
};

// Observes a pass, and decides how fast it runs and when it ends.
class ScrubMonitor {
 public:
  virtual ~ScrubMonitor() = default;
  // Accounts for bytes that were read, and waits as the rate demands. False: the pass must end now.
  virtual bool Spend(uint64_t bytes) = 0;
  virtual void OnFinding(Finding finding) = 0;
  // `state` is a place at which a later run may resume.
  virtual void OnProgress(const ScrubState& state) = 0;
};

// One pass over everything that a live store keeps, concurrent with commits, snapshots, prunes and rollbacks.
// It holds no lock and no epoch while it reads payload:
//
//   1. It reads the live index only inside a reader's epoch, and at most a few thousand keys in one epoch.
//   2. Before it reports a failed checksum as damage, it checks that the payload is still needed. At the tip:
//   the key
//      still names that write. In a snapshot: the snapshot still exists, with the same lineage, and is
//      reachable. In the log: the version is still reachable, on the same branch. As long as that holds, its
//      slots cannot have been reused (invariant 2).
//   3. It reads log and superblock inside the gate and under the maintenance lock, so that neither a prune
//   nor a
//      rollback removes them meanwhile.
class ScrubPass {
 public:
  ScrubPass(const ScrubParts& parts, ScrubMonitor& monitor, ScrubState state)
      : parts_(parts), monitor_(monitor), state_(std::move(state)) {}

  // True at the end of the pass, false if the monitor ended it. An error means that the store was closed, or
  // that a read was refused; damage goes to the monitor.
  Result<bool> Run();

 private:
  // A payload to verify.
  struct Item {
    std::string key;
    PayloadRef ref;
    Version written_by;
  };
  enum class Step : uint8_t { kContinue, kStop };
  // Whether the payload is still needed, so that its slots were not reused.
  using Needed = std::function<Result<bool>(const Item&)>;

  // Calls `look` inside the gate and under the maintenance lock: no rollback, removal or reclaim is under
  // way.
  template <typename Fn>
  auto RunQuietly(const Fn& look) -> decltype(look()) {
    RAWKV_ASSIGN_OR_RETURN(const OperationGate::Pass pass, parts_.gate.Enter());
    RAWKV_RETURN_IF_ERROR(parts_.readable());
    return parts_.maintenance.RunWhileQuiet(look);
  }

  Result<Step> ScrubSuperblocks();
  Result<Step> ScrubLog();
  Result<Step> ScrubSnapshots();
  Result<Step> ScrubTip();
  Result<Step> ScrubOlder();

  struct LogPiece;
  Result<LogPiece> ReadLogPiece();
  Result<Step> ScrubSnapshot(Version version);
  Result<Step> ScrubOlderPayloads(Version version, Lineage lineage);

  // The payloads of some keys of an index.
  struct KeyBatch {
    std::vector<Item> items;
    std::string last_key;
    bool more = false;  // the index has keys after `last_key`
    Status status;      // of the walk
  };
  static KeyBatch CollectKeys(KeyIndex& index, const std::string& after);
  Result<KeyBatch> CollectTip();
  Result<Step> VerifyItem(const Item& item, const char* where, const Needed& needed);
  Result<bool> TipStillNames(const Item& item);
  Result<std::optional<Version>> FindNextSnapshot(Version from);
  // Whether the snapshot still exists with this lineage and is reachable: then none of its slots were reused.
  Result<bool> HoldsItsSlots(Version snapshot, Lineage lineage);
  // Distinguishes a snapshot from one that was made later at the same version. Absent if the snapshot is
  // gone; default values if its MANIFEST cannot be read.
  struct Identity {
    Lineage lineage;
    uint64_t created_unix_ms = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  Result<std::optional<Identity>> ReadIdentity(Version snapshot);
  Result<Step> EnterPhase(ScrubPhase phase);
  void AddFinding(const char* kind, std::string where, std::optional<Version> version, std::string message);

  const ScrubParts parts_;
  ScrubMonitor& monitor_;
  ScrubState state_;
};

}  // namespace rawkv
