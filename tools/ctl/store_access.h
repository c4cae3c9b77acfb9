#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"
#include "tools/ctl/command.h"
#include "tools/ctl/session.h"

// Opens stores as the flags of a command ask for.
namespace rawkv::ctl {

// --store or RAWKV_STORE; kInvalidArgument without either.
Result<std::string> StoreDirOf(const Flags& flags);

// Options from the flags. Long work reports its progress to `call.progress`.
OpenOptions OpenOptionsOf(Invocation& call);
FormatOptions FormatOptionsOf(const Flags& flags);

// Opens the store with OpenOptionsOf, also within a session. A missing store is kFailedPrecondition.
Result<std::unique_ptr<Engine>> OpenEngine(Invocation& call);

// The three functions below use the store of the session, if the call has one.

// Opens the store for reading and writing. A missing store is kFailedPrecondition, not kNotFound.
Result<OpenedStore> OpenStore(Invocation& call);
// Opens the store for reading, also alongside a process that writes to it, and changes nothing in it. Without
// --read_only it opens a store for writing if a rollback or a removal was interrupted, which that open
// finishes, or if the filesystem has no hard links.
Result<OpenedStore> OpenStoreToRead(Invocation& call);
// Opens the store only to inspect it: a writer that wants the lock meanwhile waits.
Result<OpenedStore> OpenStoreToInspect(Invocation& call);

// Identity, versions, space and health, without opening the store (InspectStore). In a session they come from
// its engine.
Result<EngineInfo> InspectStoreOf(Invocation& call);

// Replaces --time by --version: the newest retained version that was committed at or before that time.
// kVersionUnreachable.
Status ResolveTime(Engine& engine, Flags& flags);
// The version of a bound; a time stands for the newest retained version that was committed at or before it.
// kVersionUnreachable.
Result<Version> ResolveBound(Engine& engine, const VersionBound& bound);
// A view of --version or --time, or null for the tip. Announces long work (AnnounceView).
// kVersionUnreachable.
Result<std::shared_ptr<const ReadView>> OpenViewOf(Invocation& call, Engine& engine);

// The progress callback of work that reads a whole version or the whole store. The engine does not know its
// total; this adds `bytes_total`, an estimate. Empty without a terminal.
ProgressFn WithTotal(const ProgressFn& progress, uint64_t bytes_total);
// About how many bytes a read of all values at the tip takes, and of everything that the store keeps. 0 if
// nobody sees the progress, or on a failure.
struct ReadEstimate {
  uint64_t tip_bytes = 0;
  uint64_t store_bytes = 0;
};
ReadEstimate EstimateReads(Invocation& call, Engine& engine);

// Commits the batch. If the outcome is unknown, the message reports it and names the next step.
Result<Version> CommitBatch(Engine& engine, const WriteBatch& batch, const CommitOptions& options);

// The value of --version for a command that needs it; kInvalidArgument without it.
Result<Version> RequireVersion(const Flags& flags);
// kInvalidArgument without --version and --time.
Status RequireVersionOrTime(const Flags& flags);

// Prints a version as text or as {"version":N}, and flushes the output.
Status PrintVersion(Invocation& call, Version version);

}  // namespace rawkv::ctl
