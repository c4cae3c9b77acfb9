#pragma once

#include <atomic>
#include <cstdint>

namespace rawkv {

// Counters since the open; Engine::stats returns them.
struct EngineCounters {
  std::atomic<uint64_t> commits{0};
  std::atomic<uint64_t> groups{0};
  std::atomic<uint64_t> user_bytes_written{0};
  std::atomic<uint64_t> log_bytes_written{0};
  std::atomic<uint64_t> gets{0};
  std::atomic<uint64_t> snapshots_made{0};
  std::atomic<uint64_t> slots_reclaimed{0};
  std::atomic<uint64_t> versions_given_up{0};
  std::atomic<uint64_t> index_flushes{0};
  std::atomic<uint64_t> checkpoints_written{0};
  std::atomic<uint64_t> checkpoints_failed{0};
  std::atomic<uint64_t> views_built{0};
  std::atomic<uint64_t> views_shared{0};
  std::atomic<bool> snapshot_under_way{false};  // for STATUS only
};

}  // namespace rawkv
