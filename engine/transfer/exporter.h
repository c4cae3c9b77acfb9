#pragma once

#include "engine/api/options.h"
#include "engine/payload/payload_io.h"
#include "engine/read/views.h"
#include "engine/store/store_context.h"
#include "engine/transfer/export_dir.h"

namespace rawkv {

// Writes the view's content as an export (ExportDir). Holds a few MiB of a value in memory at a time. A
// failure removes what was written.
Status ExportView(StoreContext& context, const EngineView& view, PayloadIo& payload,
                  const ExportOptions& options);

}  // namespace rawkv
