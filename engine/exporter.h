#pragma once

#include "engine/engine.h"
#include "engine/payload_io.h"
#include "engine/store_context.h"
#include "engine/views.h"

namespace rawkv {

inline constexpr std::string_view kExportManifestName = "MANIFEST";
inline constexpr std::string_view kExportOriginName = "ORIGIN";

// Writes the view's content as chunks, then ORIGIN, then the manifest: a directory without a manifest
// is no export. Reads at most a few chunks of a value at a time.
Status ExportView(StoreContext& context, const EngineView& view, PayloadIo& payload,
                  const ExportOptions& options);

}  // namespace rawkv
