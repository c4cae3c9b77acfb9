#pragma once

#include <memory>

#include "base/export.h"
#include "base/types.h"

namespace rawkv {

// A retained version that is held still for reading: its slots are not reused while the view exists.
// Engine::OpenView makes one, and ReadOptions hands it to reads. A view holds space, which Engine::Info
// shows, and blocks rollbacks (Engine::Rollback), so release it soon. Thread-safe. Engine::Close returns
// kBusy while a view is open.
class RAWKV_EXPORT ReadView {
 public:
  virtual ~ReadView() = default;
  virtual Version version() const = 0;
};

}  // namespace rawkv
