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
#include "engine/read/reader_epochs.h"
#include "engine/store/scrub_state.h"

namespace rawkv {

// The parts of an open store that are read.
struct ScrubParts {
  StoreContext& context;
  Core& core;
  Maintenance& maintenance;
  OperationGate& gate;
  ReaderEpochs& epochs;
  std::function<Status()> readable;  // not ok once the store is closed
};

// Who runs a pass: is told how far it is, and decides how fast it goes and when it ends.
class ScrubMonitor {
 public:
  virtual ~ScrubMonitor() = default;
  // Bytes just read; waits as the rate demands. False: end now.
  virtual bool Spend(uint64_t bytes) = 0;
  virtual void OnFinding(Finding finding) = 0;
  // A place from which a later run may go on.
  virtual void OnProgress(const ScrubState& state) = 0;
};

// One pass over all that a live store keeps, beside commits, snapshots, prunes and rollbacks. Holds
// nothing while it reads payload:
//
//   1. The index is touched only inside a reader's epoch, and never for longer than a few thousand keys.
//   2. What fails its checksum is looked up again before it is called damage. At the tip: does the key
//      still name that write? In a snapshot: is it still there, of the same
//      lineage, and reachable? In the log: is the
//      version still reachable, on the same branch? Only then its slots cannot have been reused in
//      between, as reuse comes after all of these (invariant 2).
//   3. Log and superblock are read inside the gate and while maintenance is quiet, so that neither a prune
//   nor
//      a rollback takes them away meanwhile.
class ScrubPass {
 public:
  ScrubPass(const ScrubParts& parts, ScrubMonitor& monitor, ScrubState state)
      : parts_(parts), monitor_(monitor), state_(std::move(state)) {}

  // True at the end of the pass, false when the monitor ended it. Errors: the store was closed, or
  // something that is no damage.
  Result<bool> Run();

 private:
  // A payload to be verified, and why it would be needed.
  struct Item {
    std::string key;
    PayloadRef ref;
    Version written_by;
  };
  enum class Step : uint8_t { kContinue, kStop };
  using Needed = std::function<Result<bool>(const Item&)>;  // still so, and not reused?

  // Calls `look` while no rollback is under way and nothing is removed or freed.
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
  Result<LogPiece> NextLogPiece();
  Result<LogPiece> ReadLogPiece();
  Result<Step> ScrubSnapshot(Version version);
  Result<Step> ScrubOlderPayloads(Version version, Lineage lineage);

  // Some keys of an index behind state_.key; false in `more` at its end.
  struct KeyBatch {
    std::vector<Item> items;
    std::string last_key;
    bool more = false;
    Status status;  // of the walk
  };
  static KeyBatch CollectKeys(KeyIndex& index, const std::string& after);
  Result<KeyBatch> CollectTip();
  Result<Step> VerifyItem(const Item& item, const char* where, const Needed& needed);
  Result<bool> TipStillNames(const Item& item);
  Result<std::optional<Version>> FindNextSnapshot(Version from);
  // Whether the snapshot is still there, of this branch, and reachable: then none of its slots were reused.
  Result<bool> HoldsItsSlots(Version snapshot, Lineage lineage);
  // Tells a snapshot from another one made later at the same version. Nothing if it is gone; empty if its
  // MANIFEST cannot be read.
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
