#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/index/key_index.h"
#include "engine/store/store_context.h"

namespace rawkv {

// The working index: the clone of a snapshot that serves the live store. It can always be rebuilt from a
// snapshot and the log (invariant 11).

// BASE names the snapshot from which a working directory was cloned. It is written last, so that its presence
// shows that the directory is complete. docs/formats/base.md.
std::string EncodeWorkingBase(Version base, const Uuid& store_uuid);
// kCorruption: the file is damaged or names another store.
Status CheckWorkingBase(std::string_view file, const Uuid& store_uuid);

struct WorkingIndex {
  std::unique_ptr<KeyIndex> index;
  MetaRecord meta;
};

// Where an index that is open for writing puts its files (KeyIndexOptions::in_memory).
enum class IndexFilesGo : uint8_t { kToDisk, kToMemory };

// Opens working/ if it is complete and its version is on the chain. No result: it must be rebuilt, for the
// reason in `*why`. An error means that nothing is proven about working/.
Result<std::optional<WorkingIndex>> OpenWorking(StoreContext& context, std::string* why,
                                                IndexFilesGo to = IndexFilesGo::kToDisk);

// Ok if working/ is complete: it has a BASE of this store.
Status CheckWorkingComplete(StoreContext& context);

// Opens an index directory of this store for writing.
Result<std::unique_ptr<KeyIndex>> OpenIndexForWriting(StoreContext& context, const std::string& index_dir,
                                                      IndexFilesGo to = IndexFilesGo::kToDisk);

// Takes an index of this store to version `to`: back by its undo records, or forward by the log. Above `to`,
// every version from there on must be reachable (UndoTo). With `undo`, the index gets undo records of what is
// replayed. After an error the caller drops the index.
enum class UndoRecords : uint8_t { kNone, kForWindow };
Result<MetaRecord> MoveIndexTo(StoreContext& context, KeyIndex& index, Version to, UndoRecords undo);

// Builds working.new/ as a clone of the snapshot, without BASE.
Status CloneToWorkingNew(StoreContext& context, Version base);
// The same from working/, by CloneWorkingIndex.
Status CloneWorkingToNew(StoreContext& context, KeyIndex* live);
// Makes the directory `to`, a clone of the working index as its last flush left it. `live` is the open
// working index; null: it is closed, or another process has it open and may change it. kCorruption: working/
// is not complete. After any error the caller uses a snapshot.
Status CloneWorkingIndex(StoreContext& context, KeyIndex* live, const std::string& to);
// Writes BASE durably, which makes working.new/ complete.
Status SealWorkingNew(StoreContext& context, Version base);
Result<bool> WorkingNewIsComplete(StoreContext& context);
// Renames working.new/ to working/, durably. The index must be closed. A crash in between may leave no
// working/, which the next open rebuilds. Does nothing if working.new/ is not complete.
Status SwapWorking(StoreContext& context);

}  // namespace rawkv
