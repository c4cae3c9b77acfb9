#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/api/options.h"
#include "engine/api/results.h"
#include "engine/format/format_dir.h"
#include "engine/store/store_context.h"

namespace rawkv {

class KeyIndex;

// A store while a format or import makes it. The two differ only in the source of the first state.
struct NewStore {
  std::unique_ptr<FormatDir> dir;  // claimed and locked
  StoreRecord record;
  std::string device_path;
  bool made_device = false;  // the device file is new
  OpenedDevice device;
  Superblock superblock;
};

// Checks the options, claims the directory (a resolved path), prepares the device, and clears the directory.
// No store exists after that. A failure removes what was made; the rest stays marked as unfinished.
Result<NewStore> BeginFormat(const std::string& dir, const FormatOptions& options, StoreMaker maker);

// Makes the log, calls `publish_state` to publish the first snapshot and `current`, writes the superblocks,
// and writes STORE last. A failure undoes everything, like one of BeginFormat.
Status FinishFormat(const std::string& dir, const FormatOptions& options, NewStore& store,
                    const std::function<Status()>& publish_state);

// Publishes a closed, flushed index directory as a snapshot and makes it `current`.
Status PublishIndex(const std::string& dir, const Environment& env, const StoreRecord& record,
                    const std::string& index_dir);

// The callbacks with which SnapshotStore fills a staging directory from an index, and inspects an index.
SnapshotCallbacks IndexCallbacks(const Environment& env, KeyIndex& index);

// Engine::Format.
Result<FormatResult> FormatStore(const std::string& store_dir, const FormatOptions& options);

}  // namespace rawkv
