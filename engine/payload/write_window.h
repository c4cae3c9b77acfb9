#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "blockdev/aligned_buffer.h"
#include "blockdev/block_device.h"

namespace rawkv {

// Collects writes to a device, and runs many of them at once. Copied bytes that are next to each other on the
// device share transfers. Not thread-safe.
class WriteWindow {
 public:
  // `copied_bytes`: what will be copied, at most; the window needs memory for a part of it. It uses `kept`,
  // the memory of an earlier window, if that is large enough.
  WriteWindow(BlockDevice& device, uint64_t copied_bytes, AlignedBuffer kept);
  // The memory, for a later window. The window cannot copy any more.
  AlignedBuffer TakeMemory() { return std::move(copies_); }

  // Each may run the writes that were collected before, and returns their first error. `offset` must be a
  // multiple of the block size.
  // Pads the bytes with zeros to a whole block.
  Status WriteCopy(DeviceOffset offset, ConstBytes bytes);
  // Writes from the caller's memory, which must be aligned, have whole blocks, and stay unchanged until Run.
  Status WriteDirect(DeviceOffset offset, ConstBytes bytes);

  // Returns when all writes have ended. The first error of those that it ran.
  Status Run();

 private:
  Status Add(DeviceOffset offset, Bytes source);

  BlockDevice& device_;
  AlignedBuffer copies_;
  uint64_t used_ = 0;  // bytes of copies_
  std::vector<IoRequest> batch_;
};

}  // namespace rawkv
