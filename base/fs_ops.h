#pragma once

#include <string>

#include "base/fs.h"
#include "base/logger.h"

// Compositions of Fs calls that more than one layer needs.
namespace rawkv {

std::string JoinPath(std::string_view dir, std::string_view name);
std::string ParentPath(std::string_view path);  // "." for a bare name

Result<bool> Exists(Fs& fs, const std::string& path);
// Ok in place of kNotFound: for removals whose aim is that nothing is there.
Status AbsentIsOk(const Status& status);

// The whole file; kCorruption if it is larger than `max_bytes`, so that nothing on disk can make us
// allocate without bound.
Result<std::string> ReadFile(Fs& fs, const std::string& path, uint64_t max_bytes);

// Writes `path`.tmp, syncs it, renames it over `path`, syncs the directory. After a failure or crash
// `path` is the old file or the new one, whole; a leftover .tmp is harmless.
Status WriteFileAtomic(Fs& fs, const std::string& path, ConstBytes bytes);

// Copies content and syncs the copy. `to` must not exist. Directory not synced.
Status CopyFileSynced(Fs& fs, const std::string& from, const std::string& to, uint64_t max_bytes);

// Links `to` to the file `from`, or copies it as CopyFileSynced does where it has as many names as the
// filesystem allows. Returns whether it copied. `to` must not exist.
Result<bool> LinkOrCopy(Fs& fs, const std::string& from, const std::string& to, uint64_t max_bytes);

// Where something damaged may be moved aside to: `path`.damaged, or .damaged.1, … where that is taken.
// IsAsideName tells such names apart; nothing sweeps them. kFailedPrecondition once there are too many.
Result<std::string> FreeAsideName(Fs& fs, const std::string& path);
bool IsAsideName(std::string_view name);

// Makes an empty directory under a name that is durable. Where the name cannot be synced, the directory is
// removed again, so that another try makes it anew. kFailedPrecondition: the name is taken.
Status MakeDirSynced(Fs& fs, const std::string& dir);

// Removes a directory and all below it; symlinks are unlinked, never followed. Absent is ok. What can be
// removed goes even if something else cannot; returns the first error.
Status RemoveTree(Fs& fs, const std::string& path);

// For what nothing uses any more. What the operating system does not let go (an immutable file, one that a
// file server keeps for someone) is left for a later call, with a warning that names it and the reason.
void SweepTree(Fs& fs, const std::string& path, Logger& logger);

// A free name to which something that is to be deleted may be moved: `path`.removing, or .0.removing, … where
// an earlier one could not be deleted. kFailedPrecondition once there are too many.
Result<std::string> FreeRemovingName(Fs& fs, const std::string& path);

// Makes the name `path` free: removes what is there or, where that fails, moves it to a FreeRemovingName.
Status FreePath(Fs& fs, const std::string& path, Logger& logger);

// Syncs every regular file and directory below `path`, then `path` itself.
Status SyncTree(Fs& fs, const std::string& path);

}  // namespace rawkv
