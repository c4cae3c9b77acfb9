#pragma once

#include <memory>
#include <string>

#include "engine/api/iterator.h"
#include "engine/payload/payload_io.h"
#include "engine/read/views.h"

namespace rawkv {

struct KeyBounds {
  std::string lower;   // inclusive
  std::string upper;   // exclusive; "": open
  bool empty = false;  // no key can lie between the bounds
};
// The part of [lower, upper) whose keys begin with `prefix`.
KeyBounds NarrowBounds(std::string lower, std::string upper, std::string_view prefix);

// An iterator over a view's index. It keeps the view open. `payload` must outlive it.
// `read_ahead_bytes` as in IteratorOptions.
std::unique_ptr<Iterator> NewEngineIterator(std::shared_ptr<const EngineView> view, const KeyBounds& bounds,
                                            PayloadIo& payload, uint64_t read_ahead_bytes);

}  // namespace rawkv
