#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "tools/bench/workload.h"

namespace rawkv::bench {

// The bytes that fio reads and writes.
struct FioArea {
  std::string read_path;  // the file or device in which rawkv keeps its values, or the file below
  uint64_t read_offset = 0;
  std::string write_path;  // a file of fio's own, whose blocks are all written
  uint64_t bytes = 0;      // of either
};

// The program fio, or kNotSupported with the reason why it cannot be used.
class Fio {
 public:
  static Result<Fio> Find();
  // "fio-3.33"
  const std::string& version() const { return version_; }
  // Takes one sample: throughput, rate, and with FioPattern::latency p50 and p99.
  Status Run(const Case& which, const FioArea& area, uint64_t seed, Sample* sample) const;

 private:
  Fio(std::string path, std::string version) : path_(std::move(path)), version_(std::move(version)) {}
  std::string path_, version_;
};

}  // namespace rawkv::bench
