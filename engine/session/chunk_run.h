#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "blockdev/io_queue.h"
#include "engine/payload/payload_io.h"

namespace rawkv {

class SessionCore;
struct Operation;

// The transfers of one chunk of a read. A session uses it again for later chunks.
struct ChunkRun {
  struct Transfer final : IoQueue::Job {
    Transfer(ChunkRun& run_in, const IoRequest& request) : Job(request), run(run_in) {}
    void OnDone() override { run.HandleTransfer(); }
    ChunkRun& run;
  };

  explicit ChunkRun(SessionCore& session_in) : session(session_in) {}
  // Plans the chunk's transfers and makes their jobs. May throw.
  void Plan();
  // The last transfer verifies the chunk and reports it to the session.
  void HandleTransfer();
  void Recycle();

  SessionCore& session;  // an operation under way keeps it alive
  Operation* operation = nullptr;
  size_t read = 0;
  uint64_t chunk_number = 0;
  uint64_t bytes = 0;     // that it counts in bytes_in_flight
  bool own_ring = false;  // it runs on the ring of the session
  PayloadIo::ChunkRead chunk;
  std::vector<IoRequest> requests;
  std::optional<Transfer> first;  // most chunks have only one
  std::vector<std::unique_ptr<Transfer>> others;
  std::vector<IoQueue::Job*> jobs;
  std::atomic<size_t> pending{0};
  ChunkRun* next = nullptr;  // in a list
};

}  // namespace rawkv
