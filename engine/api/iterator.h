#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/export.h"
#include "base/result.h"
#include "base/types.h"

namespace rawkv {

// Walks the keys of one version in byte order, within the bounds it was made with. Sees that version
// only, whatever is committed meanwhile. Made unpositioned: call a Seek first. Not thread-safe. Must
// not outlive the engine; holds its view while it lives.
class RAWKV_EXPORT Iterator {
 public:
  virtual ~Iterator() = default;
  virtual bool Valid() const = 0;
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  virtual void Seek(std::string_view key) = 0;  // first key at or above
  virtual void Next() = 0;                      // needs Valid()
  virtual void Prev() = 0;                      // needs Valid()
  // Of the entry at the position; need Valid(). The key stays good until the next move.
  virtual std::string_view key() const = 0;
  virtual uint64_t value_bytes() const = 0;
  virtual Version written_by() const = 0;             // version that wrote the value
  virtual Result<std::string> ReadValue() const = 0;  // verified; kCorruption names key and place
  // Ok, or why the walk ended before its end.
  virtual Status status() const = 0;
};

}  // namespace rawkv
