#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "tools/ctl/command.h"

// The keys at the tip whose payload is gone, for `fsck --repair --drop_damaged`.
namespace rawkv::ctl {

struct DamagedKey {
  std::string key;
  Version written_by;
  std::string message;  // of the failed read
};

// Whether the error of a read shows that the payload itself is gone: its checksum failed, or the medium
// cannot read it. A read that the operating system refuses, and a lack of memory, show nothing.
bool IsPayloadGone(const Status& read);

// Reads every value at the tip. An error means that the list is not complete: the index is damaged, or the
// operating system refused a read.
Result<std::vector<DamagedKey>> FindDamagedKeys(Invocation& call, Engine& engine);

// Deletes the keys, in as many versions as the log needs. Returns the last one. After an error the deletions
// of some keys may be committed; find the rest and delete them again.
Result<Version> DropKeys(Engine& engine, const std::vector<DamagedKey>& keys);

}  // namespace rawkv::ctl
