#pragma once

#include <memory>

#include "base/export.h"
#include "base/types.h"

namespace rawkv {

// A retained version held still for reading: its slots are not reused while the view lives. Get one
// from Engine::OpenView, hand it to reads in ReadOptions, let go of it soon: it pins space (shown by
// `info`) and blocks a rollback below it. Thread-safe. Must not outlive the engine.
class RAWKV_EXPORT ReadView {
 public:
  virtual ~ReadView() = default;
  virtual Version version() const = 0;
};

}  // namespace rawkv
