#pragma once

#include "engine/api/options.h"
#include "engine/payload/payload_io.h"
#include "engine/read/views.h"
#include "engine/store/store_context.h"
#include "engine/transfer/export_dir.h"

namespace rawkv {

// Writes the view's content as an export (ExportDir). A failure takes away what was written. Reads at most a
// few chunks of a value at a time.
Status ExportView(StoreContext& context, const EngineView& view, PayloadIo& payload,
                  const ExportOptions& options);

}  // namespace rawkv
