#pragma once

#include <cstdint>
#include <string>

namespace rawkv::stress {

// Resources that the process and the store use.
struct Resources {
  uint64_t rss_mib = 0;
  uint64_t descriptors = 0;
  uint64_t threads = 0;
  uint64_t metadata_kib = 0;  // of the store's directory, without the device file
  uint64_t metadata_files = 0;

  std::string Describe() const;
};
Resources MeasureResources(const std::string& store);

}  // namespace rawkv::stress
