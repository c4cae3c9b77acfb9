#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "tools/bench/fio.h"
#include "tools/bench/runner.h"
#include "tools/bench/workload.h"

namespace rawkv::bench {

// The stores of all peers for one size of values. The destructor removes their files.
class Fleet {
 public:
  // Makes the stores below `dir`, loads the same keys into each, and checks every byte.
  static Result<std::unique_ptr<Fleet>> Make(const RunOptions& options, const std::string& dir,
                                             uint64_t value_bytes, Random& random);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  const std::vector<std::unique_ptr<Subject>>& subjects() const { return subjects_; }
  // What fio reads and writes, made at the first call.
  Result<FioArea> Area();

 private:
  explicit Fleet(std::string dir) : dir_(std::move(dir)) {}
  const std::string dir_;
  std::vector<std::unique_ptr<Subject>> subjects_;
};

}  // namespace rawkv::bench
