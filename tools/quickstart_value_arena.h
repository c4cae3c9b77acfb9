#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace rawkv::quickstart {

// Memory for the values of one change set, lent to the batch. Up to 256 MiB it is ordinary memory;
// beyond, the pages of an unlinked file, so that a first commit of gigabytes does not need as much
// memory. Not thread-safe.
class ValueArena {
 public:
  explicit ValueArena(std::string spool_dir) : spool_dir_(std::move(spool_dir)) {}
  ~ValueArena();
  ValueArena(const ValueArena&) = delete;
  ValueArena& operator=(const ValueArena&) = delete;

  // Forgets all values and makes room for `bytes` of new ones.
  Status Reset(uint64_t bytes);
  // The next `bytes` of the room.
  Bytes Take(uint64_t bytes);

 private:
  void Release();

  const std::string spool_dir_;
  std::byte* base_ = nullptr;  // mapped
  uint64_t capacity_ = 0;
  uint64_t used_ = 0;
};

}  // namespace rawkv::quickstart
