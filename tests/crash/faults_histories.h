#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/crash/faults_session.h"

namespace rawkv {

struct FaultHistory {
  std::string name;
  const FaultStart* start;
  std::function<void(FaultSession&)> run;
};

// Short histories that together perform every protocol, on stores in different states.
class FaultHistories {
 public:
  FaultHistories(const SimConfig& config, uint64_t seed);
  const std::vector<FaultHistory>& all() const { return all_; }

 private:
  void MakeStarts(const SimConfig& config, uint64_t seed);

  FaultStart nothing_, furnished_, no_working_, torn_, undo_, finish_, no_store_, no_files_, no_superblocks_,
      checkpoints_;
  std::vector<FaultHistory> all_;
};

}  // namespace rawkv
