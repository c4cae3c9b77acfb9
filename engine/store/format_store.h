#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/api/options.h"
#include "engine/api/results.h"
#include "engine/store/format_dir.h"
#include "engine/store/store_context.h"

namespace rawkv {

class KeyIndex;

// A store in the making: format and import share all but where the first state comes from.
struct NewStore {
  std::unique_ptr<FormatDir> dir;  // claimed, and so locked
  StoreRecord record;
  std::string device_path;
  bool made_device = false;  // there was nothing at that path
  OpenedDevice device;
  Superblock superblock;
};

// Checks the options, claims the directory (resolved), prepares the device, clears away what is replaced.
// Nothing of a store exists yet. After a failure what was made is gone again; what could not be removed is
// marked as unfinished.
Result<NewStore> BeginFormat(const std::string& dir, const FormatOptions& options, StoreMaker maker);

// Makes the log, has `publish_state` publish the base snapshot with its `current`, then writes
// superblocks and, last, STORE. A failure undoes all of it, as that of BeginFormat.
Status FinishFormat(const std::string& dir, const FormatOptions& options, NewStore& store,
                    const std::function<Status()>& publish_state);

// Publishes a closed, flushed index directory as a snapshot and makes it `current`.
Status PublishIndex(const std::string& dir, const Environment& env, const StoreRecord& record,
                    const std::string& index_dir);

// How SnapshotStore fills a staging directory from an index, and looks into it.
SnapshotCallbacks IndexCallbacks(const Environment& env, KeyIndex& index);

// Engine::Format.
Result<FormatResult> FormatStore(const std::string& store_dir, const FormatOptions& options);

}  // namespace rawkv
