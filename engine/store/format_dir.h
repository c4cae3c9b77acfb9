#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/fs.h"
#include "base/uuid.h"
#include "engine/store/store_lock.h"
#include "engine/store/store_paths.h"

namespace rawkv {

enum class StoreMaker : uint8_t { kFormat, kImport };

// The directory in which a format or import makes a store, from its claim until STORE is in place. It is
// locked as a store is, so that one process at a time makes a store in it, and marked durably (FORMATTING
// or IMPORTING) before anything else is written: after a crash the mark says that nothing here is worth
// keeping, and the same command begins again. The rename of STORE publishes the store; a mark next to it
// means nothing.
class FormatDir {
 public:
  struct Request {
    StoreMaker maker = StoreMaker::kFormat;
    bool force = false;         // may destroy an older store (format alone)
    bool makes_device = false;  // the default device file is absent, and will be made
    Uuid store_uuid;            // of the new store
  };
  // Takes `dir` (resolved): absent, empty, with nothing but lost+found in it, left by an unfinished format or
  // import, or, with force, an older store. kFailedPrecondition: something else is there. kBusy: another
  // process has it. A refusal changes nothing.
  static Result<std::unique_ptr<FormatDir>> Claim(Fs& fs, Clock& clock, const std::string& dir,
                                                  const Request& request);

  // The UUID that the store gets: that of the unfinished one that is begun again, else the request's.
  Uuid store_uuid() const { return store_uuid_; }
  // An unfinished format or import is begun again: what it has put on a device may be overwritten.
  bool begins_again() const { return begins_again_; }

  // Removes what an older store or an unfinished one has left here, but never the file `spared`. An older
  // store's STORE goes first: a crash leaves no store rather than half of one.
  Status Clear(FileId spared);
  // The store is whole, its STORE durable: takes the mark away. That may fail, as the mark means nothing now.
  void Finish();
  // Takes away what was made here but for the file `spared`, and the directory if the claim made it. An older
  // store that was not cleared stays. The mark stays where something else does, and that of a format or
  // import that was begun again.
  Status Abandon(FileId spared);

 private:
  enum class Content : uint8_t { kAbsent, kEmpty, kFormat, kImport, kStore, kParts, kForeign };
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
  bool holds_others_ = true;  // a store, or what else was found here, that is not to be touched before Clear
  std::unique_ptr<StoreLock> lock_;
};

}  // namespace rawkv
