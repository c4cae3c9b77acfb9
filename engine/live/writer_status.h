#pragma once

#include <string>
#include <string_view>

#include "base/fs.h"
#include "base/uuid.h"
#include "engine/api/info.h"

namespace rawkv {

// The file STATUS: what the process that has a store open for writing reports about itself, for `info` in
// another process. It is advice for people and monitors: nothing else depends on it, nothing syncs it, and it
// may be missing, old or damaged. docs/formats/status.md.

// `writer.status` must be set. Cuts long texts off.
std::string EncodeWriterStatus(const WriterInfo& writer, const Uuid& store_uuid);
// kCorruption: the file is damaged or belongs to another store. kNotSupported: a newer format.
Result<WriterInfo> DecodeWriterStatus(std::string_view file, const Uuid& store_uuid);

// Replaces STATUS in one step, without a sync.
Status SaveWriterStatus(Fs& fs, const std::string& path, const WriterInfo& writer, const Uuid& store_uuid);
// The status that `holder`, the present holder of the store's lock, has published. Absent if there is none:
// STATUS is missing, cannot be read, or comes from an earlier writer.
std::optional<WriterStatus> LoadStatusOf(Fs& fs, const std::string& path, const WriterInfo& holder,
                                         const Uuid& store_uuid);

}  // namespace rawkv
