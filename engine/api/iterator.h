#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/export.h"
#include "base/result.h"
#include "base/types.h"

namespace rawkv {

// Walks the keys of one version in byte order, within the bounds of its IteratorOptions. Later commits do not
// change what it sees. A new iterator has no position: call a Seek function first. Not thread-safe. Keeps its
// view open; Engine::Close returns kBusy while an iterator exists.
class RAWKV_EXPORT Iterator {
 public:
  virtual ~Iterator() = default;
  // Whether the iterator is at an entry. False at the end of the bounds, and after an error (see status).
  virtual bool Valid() const = 0;
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  virtual void Seek(std::string_view key) = 0;  // to the first key at or above `key`
  virtual void Next() = 0;                      // needs Valid()
  virtual void Prev() = 0;                      // needs Valid()
  // The four functions below need Valid(). The key's bytes stay valid until the iterator moves.
  virtual std::string_view key() const = 0;
  virtual uint64_t value_bytes() const = 0;  // length of the value
  virtual Version written_by() const = 0;    // the version that wrote the value
  // Reads and verifies the value. kCorruption names the key and the place. The iterator stays at its entry.
  virtual Result<std::string> ReadValue() const = 0;
  // Ok, or the error that ended the walk early. A Seek function begins a new walk.
  virtual Status status() const = 0;
};

}  // namespace rawkv
