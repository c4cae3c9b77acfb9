#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"
#include "tools/ctl/command.h"

// From flags to stores.
namespace rawkv::ctl {

// --store or RAWKV_STORE; kInvalidArgument without either.
Result<std::string> StoreDirOf(const Flags& flags);

// As the flags say; long work shows in `call.progress`.
OpenOptions OpenOptionsOf(Invocation& call);
FormatOptions FormatOptionsOf(const Flags& flags);

// Opens for work. A missing store is refused (kFailedPrecondition, not kNotFound).
Result<std::unique_ptr<Engine>> OpenStore(Invocation& call);
// To look only: a writer that comes meanwhile waits.
Result<std::unique_ptr<Engine>> OpenStoreToLook(Invocation& call);

// The tip, or --version: null view for the tip. kVersionUnreachable.
Result<std::shared_ptr<const ReadView>> OpenViewOf(Engine& engine, const Flags& flags);

// Commits; an unknown outcome says so, and what to do.
Result<Version> CommitBatch(Engine& engine, const WriteBatch& batch, const CommitOptions& options);

// --version of a command that cannot do without; kInvalidArgument.
Result<Version> NeededVersion(const Flags& flags);

// Prints a version as text or {"version":N}, and hands it to the system at once.
Status PrintVersion(Invocation& call, Version version);

}  // namespace rawkv::ctl
