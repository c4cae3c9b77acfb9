#pragma once

#include <functional>
#include <string>

#include "engine/options.h"
#include "engine/store_context.h"

namespace rawkv {

class KeyIndex;

// A store in the making: format and import share all but where the first state comes from.
struct NewStore {
  StoreRecord record;
  std::string device_path;
  OpenedDevice device;
  Superblock superblock;
};

// Checks the options, prepares directory and device. Nothing of a store exists yet. `dir` absolute.
Result<NewStore> BeginFormat(const std::string& dir, const FormatOptions& options);

// Makes the log, has `publish_state` publish the base snapshot with its `current`, then writes
// superblocks and, last, STORE.
Status FinishFormat(const std::string& dir, const FormatOptions& options, NewStore& store,
                    const std::function<Status()>& publish_state);

// Publishes a closed, flushed index directory as a snapshot and makes it `current`.
Status PublishIndex(const std::string& dir, const Environment& env, const StoreRecord& record,
                    const std::string& index_dir);

// How SnapshotStore fills a staging directory from an index, and looks into it.
SnapshotCallbacks IndexCallbacks(const Environment& env, KeyIndex& index);

}  // namespace rawkv
