// The C++ side of connector_bench.py: the same work through Session, in the same process and on the same
// store.

#include <poll.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bindings/c/handles.h"

namespace {

using rawkv::Session;
using rawkv::SessionCompletion;

// The work of one round. `write`: stores new values, otherwise reads them. Operation i has `keys` keys,
// prefix + i
// + "-" + number. Their values lie one after the other in its place, which no other operation has meanwhile.
struct Round {
  std::string prefix;
  uint64_t operations = 0;
  size_t depth = 0;
  size_t keys = 0;  // of an operation
  std::byte* arena = nullptr;
  size_t value_bytes = 0;
  bool write = false;
};

void Require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "session_rounds: %s failed\n", what);
  std::abort();
}

uint64_t Submit(Session& session, const Round& round, uint64_t operation, size_t place) {
  std::byte* const memory = round.arena + place * round.keys * round.value_bytes;
  std::vector<std::string> keys;
  for (size_t i = 0; i < round.keys; ++i) {
    keys.push_back(round.prefix + std::to_string(operation) + "-" + std::to_string(i));
  }
  rawkv::Result<uint64_t> id = uint64_t{0};
  if (round.write) {
    rawkv::WriteBatch batch;
    for (size_t i = 0; i < round.keys; ++i) {
      batch.PutBorrowedIfAbsent(keys[i],
                                rawkv::ConstBytes(memory + i * round.value_bytes, round.value_bytes));
    }
    id = session.SubmitCommit(std::move(batch));
  } else {
    std::vector<rawkv::SessionRead> reads;
    for (size_t i = 0; i < round.keys; ++i) {
      reads.push_back(
          {.key = keys[i], .out = rawkv::Bytes(memory + i * round.value_bytes, round.value_bytes)});
    }
    id = session.SubmitGet(reads);
  }
  Require(id.ok(), "submit");
  return *id;
}

// Keeps `depth` operations under way until all have completed. With a descriptor it waits by poll(2),
// otherwise by Session::Wait.
void Run(Session& session, int descriptor, const Round& round) {
  std::vector<size_t> idle;
  for (size_t i = 0; i < round.depth; ++i) idle.push_back(i);
  std::vector<size_t> place_of(round.operations + 1);
  uint64_t submitted = 0;
  std::array<SessionCompletion, 64> done;
  for (uint64_t completed = 0; completed < round.operations;) {
    for (; submitted < round.operations && !idle.empty(); idle.pop_back()) {
      const uint64_t id = Submit(session, round, submitted++, idle.back());
      place_of.at(id) = idle.back();  // ids begin with 1
    }
    if (descriptor >= 0) {
      pollfd readable{.fd = descriptor, .events = POLLIN, .revents = 0};
      (void)::poll(&readable, 1, -1);
    } else {
      Require(session.Wait(-1), "wait");
    }
    const size_t count = session.Drain(done);
    for (size_t i = 0; i < count; ++i) {
      Require(done[i].status.ok(), "operation");
      for (const rawkv::SessionAnswer& answer : done[i].answers) Require(answer.status.ok(), "read");
      idle.push_back(place_of.at(done[i].id));
    }
    completed += count;
  }
}

}  // namespace

// Runs one round and returns its seconds. `poll`: wait for the descriptor of the session.
extern "C" __attribute__((visibility("default"))) double rawkv_bench_session_round(
    rawkv_engine* engine, const char* prefix, uint64_t operations, size_t depth, size_t keys, void* arena,
    size_t value_bytes, int write, int poll) {
  rawkv::Result<std::unique_ptr<Session>> session = engine->engine->OpenSession();
  Require(session.ok(), "open");
  const int descriptor = poll != 0 ? (*session)->event_fd() : -1;
  const Round round{.prefix = prefix,
                    .operations = operations,
                    .depth = depth,
                    .keys = keys,
                    .arena = static_cast<std::byte*>(arena),
                    .value_bytes = value_bytes,
                    .write = write != 0};
  const auto begin = std::chrono::steady_clock::now();
  Run(**session, descriptor, round);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  return seconds.count();
}
