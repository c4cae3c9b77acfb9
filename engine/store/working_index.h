#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/index/key_index.h"
#include "engine/store/store_context.h"

namespace rawkv {

// The mutable clone that serves the live store. Disposable: whatever is wrong with it, it is built
// again from a snapshot and the log (invariant 11).

// BASE: which snapshot a working directory was cloned from; written last, so that it vouches for the
// rest. docs/formats/base.md.
std::string EncodeWorkingBase(Version base, const Uuid& store_uuid);
// kCorruption also when it names another store.
Status CheckWorkingBase(std::string_view file, const Uuid& store_uuid);

struct WorkingIndex {
  std::unique_ptr<KeyIndex> index;
  MetaRecord meta;
};

// Where an index that is opened for writing puts its files: KeyIndexOptions::in_memory.
enum class IndexFilesGo : uint8_t { kToDisk, kToMemory };

// Opens working/ if it is complete (BASE is there, written last) and its state is on the chain.
// Absent result: must be rebuilt, `why` says so.
Result<std::optional<WorkingIndex>> OpenWorking(StoreContext& context, std::string* why,
                                                IndexFilesGo to = IndexFilesGo::kToDisk);

// Whether working/ is complete: its BASE is there and of this store.
Status CheckWorkingComplete(StoreContext& context);

// Opens an index directory of this store for writing.
Result<std::unique_ptr<KeyIndex>> OpenIndexForWriting(StoreContext& context, const std::string& index_dir,
                                                      IndexFilesGo to = IndexFilesGo::kToDisk);

// Builds working.new/ as a clone of the snapshot, complete but for BASE.
Status CloneToWorkingNew(StoreContext& context, Version base);
// Writes BASE: working.new/ is complete from here on.
Status SealWorkingNew(StoreContext& context, Version base);
Result<bool> WorkingNewIsComplete(StoreContext& context);
// working.new/ becomes working/. The index must be closed. A crash in between leaves no working/,
// which the next open rebuilds. Nothing to do when working.new/ is not complete.
Status SwapWorking(StoreContext& context);

}  // namespace rawkv
