#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/fs.h"
#include "base/uuid.h"
#include "engine/store/store_lock.h"
#include "engine/store/store_paths.h"

namespace rawkv {

enum class StoreMaker : uint8_t { kFormat, kImport, kRebuild };

// The directory in which a format, an import or a rebuild makes a store, from its claim until STORE is in
// place. The claim locks LOCK, so that one process at a time makes a store in it. It makes a mark durable
// (FORMATTING, IMPORTING or REBUILDING) before anything else is written: after a crash the mark shows that
// nothing in the directory must be kept, and the same command begins again. The rename of STORE publishes the
// store; a mark next to STORE means nothing. Not thread-safe.
class FormatDir {
 public:
  struct Request {
    StoreMaker maker = StoreMaker::kFormat;
    bool force = false;         // a format may destroy an older store
    bool makes_device = false;  // the default device file is absent, and the caller will make it
    Uuid store_uuid;            // of the new store
  };
  // Claims `dir` (a resolved path). It may be absent, be empty (lost+found is allowed), hold an unfinished
  // format or import, or, with `force`, hold an older store. kFailedPrecondition: the directory holds
  // something else. kBusy: another process has it. A refusal changes nothing.
  static Result<std::unique_ptr<FormatDir>> Claim(Fs& fs, Clock& clock, const std::string& dir,
                                                  const Request& request);

  // The UUID that the store gets: that of the unfinished format or import if there is one, otherwise the
  // request's.
  Uuid store_uuid() const { return store_uuid_; }
  // Whether an unfinished format or import begins again. Its content on a device may be overwritten.
  bool begins_again() const { return begins_again_; }

  // Removes the files of an older or unfinished store, except the file `spared`. Removes STORE-COPY and STORE
  // first, durably: a crash leaves no store rather than a part of one.
  Status Clear(FileId spared);
  // Removes the mark, once STORE is durable. An error does not matter, as the mark means nothing then.
  void Finish();
  // Removes everything that was made here, except the file `spared`, and the directory if the claim made it.
  // Keeps an older store that was not cleared. Keeps the mark if other files stay, or if a format or import
  // was begun again.
  Status Abandon(FileId spared);

 private:
  enum class Content : uint8_t { kAbsent, kEmpty, kFormat, kImport, kRebuild, kStore, kParts, kForeign };
  FormatDir(Fs& fs, std::string dir, const Request& request)
      : fs_(fs), paths_(std::move(dir)), maker_(request.maker), store_uuid_(request.store_uuid) {}

  static Result<Content> Inspect(Fs& fs, const std::string& dir);
  static Status CheckClaimable(Content found, const std::string& dir, const Request& request);
  std::string MarkPath() const;
  Status WriteNewMark(Content found, const Request& request);
  Status WriteMark(bool makes_device);
  Status RemoveIfThere(const std::string& path);
  Status RemoveOwnFiles(FileId spared);
  Status Release();
  void RemoveMadeDir();

  Fs& fs_;
  const StorePaths paths_;
  const StoreMaker maker_;
  Uuid store_uuid_;
  bool begins_again_ = false;
  bool made_dir_ = false;
  bool marked_ = false;
  bool holds_others_ = true;  // the directory holds an older store, which nothing but Clear may change
  std::unique_ptr<StoreLock> lock_;
};

}  // namespace rawkv
