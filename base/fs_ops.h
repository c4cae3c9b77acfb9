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

// Reads the whole file. kCorruption if it is larger than `max_bytes`, so that a file on disk cannot cause an
// unbounded allocation.
Result<std::string> ReadFile(Fs& fs, const std::string& path, uint64_t max_bytes);

// Writes `path`.tmp, syncs it, renames it over `path` and syncs the directory. After a failure or a crash
// `path` is the complete old file or the complete new one; a leftover .tmp is harmless.
Status WriteFileAtomic(Fs& fs, const std::string& path, ConstBytes bytes);
// The same for two files of one directory and one content. Both .tmp files are complete before the first
// rename, so that a lack of room changes neither file. `first` is durable before `second` changes.
Status WriteTwoFilesAtomic(Fs& fs, const std::string& first, const std::string& second, ConstBytes bytes);

// Copies the content and syncs the copy, but not its directory. `to` must not exist.
Status CopyFileSynced(Fs& fs, const std::string& from, const std::string& to, uint64_t max_bytes);

// Links `to` to the file `from`. If `from` has as many names as the filesystem allows, copies it as
// CopyFileSynced does. Returns true if it copied. `to` must not exist.
Result<bool> LinkOrCopy(Fs& fs, const std::string& from, const std::string& to, uint64_t max_bytes);

// Returns an unused name to which a damaged file or directory can be moved aside: `path`.damaged, or
// .damaged.1, … if that is taken. Nothing sweeps such a name. kFailedPrecondition if there are too many.
Result<std::string> ChooseAsideName(Fs& fs, const std::string& path);
// True for the names that ChooseAsideName returns.
bool IsAsideName(std::string_view name);

// Makes an empty directory and its name durable. If the sync fails, removes the directory again, so that the
// caller can repeat the call. kFailedPrecondition if the name is taken.
Status MakeDirSynced(Fs& fs, const std::string& dir);

// Removes a file, or a directory with all its content. Unlinks symlinks and never follows them. A missing
// path is no error. After an error it still removes the rest; returns the first error.
Status RemoveTree(Fs& fs, const std::string& path);

// Removes a leftover. If the operating system refuses (an immutable file, or one that a file server keeps
// open), logs a warning with the path and the reason, and leaves the rest to a later call.
void SweepTree(Fs& fs, const std::string& path, Logger& logger);

// Returns an unused name to which a path can be renamed before its deletion: `path`.removing, or
// `path`.0.removing, … if an earlier one still exists. kFailedPrecondition if there are too many.
Result<std::string> ChooseRemovingName(Fs& fs, const std::string& path);

// Frees the name `path`: removes the file or directory there or, if that fails, renames it to a
// ChooseRemovingName.
Status FreePath(Fs& fs, const std::string& path, Logger& logger);

// Whether `name` is the directory lost+found, which a new ext4 has in its root. It counts as no content.
bool IsLostAndFound(Fs& fs, const std::string& dir, const std::string& name);

// Syncs every regular file and directory below `path`, then `path` itself.
Status SyncTree(Fs& fs, const std::string& path);

}  // namespace rawkv
