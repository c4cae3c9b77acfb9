#pragma once

#include <memory>
#include <string>

#include "engine/api/iterator.h"
#include "engine/payload/payload_io.h"
#include "engine/read/views.h"

namespace rawkv {

// Bounds narrowed by a prefix: what both iterators and prefix deletes mean by one.
struct KeyBounds {
  std::string lower;
  std::string upper;   // "" = open
  bool empty = false;  // nothing can lie between
};
KeyBounds NarrowBounds(std::string lower, std::string upper, std::string_view prefix);

// An iterator over a view's index; keeps the view alive.
std::unique_ptr<Iterator> NewEngineIterator(std::shared_ptr<const EngineView> view, const KeyBounds& bounds,
                                            PayloadIo& payload);

}  // namespace rawkv
