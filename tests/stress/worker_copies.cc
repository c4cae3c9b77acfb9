#include <filesystem>
#include <string>

#include "engine/transfer/transfer.h"
#include "tests/stress/worker.h"

namespace rawkv::stress {

using Call = CallBoard::Call;

// Exports a version that a view holds, imports it into another directory, and compares the import with the
// model.
void Worker::Copy() {
  if (!world_.options.Has("copy")) return Pause(20);
  Pause(world_.mood() == World::Mood::kFewViews ? 700 : 100);
  std::optional<Version> version;
  if (rng_.OneIn(2)) version = SomeVersion();
  ExportOptions options;
  options.out = world_.dir + "/export-" + std::to_string(number_) + "-" + std::to_string(copies_++);
  if (rng_.OneIn(4)) options.chunk_bytes = 1 << 20;
  std::optional<ModelState> content;
  {
    const std::optional<HeldView> held = HeldView::Open(world_, number_, version);
    if (!held) return;
    options.version = held->version();
    const Call call(world_.board, number_, "Export", options.version.value());
    // The view holds the version only for itself: an export may still find it unreachable.
    const Status exported = world_.engine->Export(options);
    if (world_.Expect("export", exported, {StatusCode::kVersionUnreachable}) &&
        world_.AwaitExact(number_, held->ticket()) && !world_.history.IsBlind(held->version())) {
      content = world_.history.At(held->version());
    }
  }
  if (content) JudgeCopy(options.out, options.version, *content);
  std::error_code ignored;
  std::filesystem::remove_all(options.out, ignored);
}

void Worker::JudgeCopy(const std::string& exported, Version version, const ModelState& content) {
  const std::string dir = exported + "-store";
  ImportOptions import{.in = exported, .format = world_.format, .progress = {}};
  import.format.device.clear();
  import.format.force = false;
  const Status imported = [&] {
    const Call call(world_.board, number_, "ImportStore", version.value());
    return ImportStore(dir, import).status();
  }();
  if (world_.Expect("import", imported, {})) {
    OpenOptions open = world_.open;
    open.read_only = true;
    const Call call(world_.board, number_, "compare the copy", version.value());
    Result<std::unique_ptr<Engine>> copy = Engine::Open(dir, open);
    if (world_.Expect("open_copy", copy.status(), {})) {
      if ((*copy)->version() != version) {
        world_.Violation("an import of version " + ToString(version) + " is at version " +
                         ToString((*copy)->version()));
      }
      for (uint64_t key = 0; key < kKeys; ++key) {
        const Result<Value> value = (*copy)->Get(KeyName(key));
        const auto wanted = content.find(KeyName(key));
        if (wanted == content.end() && value.status().code() == StatusCode::kNotFound) continue;
        const bool same =
            value.ok() && wanted != content.end() && DiffValue(wanted->second.value, value->bytes).empty();
        if (same) continue;
        world_.Violation("an import of version " + ToString(version) + " differs at " + KeyName(key) + ": " +
                         value.status().ToString());
        break;
      }
      (void)world_.Expect("close_copy", (*copy)->Close(), {});
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(dir, ignored);
}

}  // namespace rawkv::stress
