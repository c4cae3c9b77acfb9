// The first steps of an embedding program: makes a store, commits, reads, rolls back and reopens. Usage:
// consumer DIR (absent). Prints the failed step to stderr.

#include <rawkv/engine/engine.h>
#include <rawkv/rawkv.h>

#include <cstddef>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace {

constexpr std::string_view kKey = "greeting";

void Expect(bool condition, const std::string& what) {
  if (condition) return;
  std::cerr << "consumer: " << what << '\n';
  std::exit(kExitFailure);
}

template <typename T>
T Take(rawkv::Result<T> result, const std::string& what) {
  Expect(result.ok(), what + ": " + result.status().ToString());
  return std::move(result).value();
}

// A logger of the program: programs may implement the interfaces of rawkv::Environment.
class QuietLogger : public rawkv::Logger {
 public:
  void Log(rawkv::LogLevel level, std::string_view message) override {
    if (level == rawkv::LogLevel::kError) std::cerr << message << '\n';
  }
};

rawkv::Version Put(rawkv::Engine& engine, std::string_view value) {
  rawkv::WriteBatch batch;
  batch.Put(kKey, value);
  const rawkv::CommitResult committed = engine.Commit(batch);
  Expect(committed.ok(), "commit: " + committed.status.ToString());
  return committed.version;
}

std::unique_ptr<rawkv::Engine> Open(const std::string& dir, rawkv::Logger& logger) {
  rawkv::OpenOptions options;
  options.env.logger = &logger;
  return Take(rawkv::Engine::Open(dir, options), "open");
}

}  // namespace

int main(int argc, char** argv) {
  Expect(argc == 2, "usage: consumer DIR");
  const std::string dir = argv[1];
  Expect(rawkv::LibraryVersion() == RAWKV_VERSION_STRING, "header and library differ in version");
  QuietLogger logger;

  rawkv::FormatOptions format;
  format.capacity_bytes = 64ull << 20;
  format.env.logger = &logger;
  const rawkv::FormatResult made = Take(rawkv::Engine::Format(dir, format), "format");

  const std::string large(300'000, 'x');
  auto engine = Open(dir, logger);
  const rawkv::Version first = Put(*engine, "hello");
  const rawkv::Version second = Put(*engine, large);
  Expect(second == rawkv::Next(first), "versions are not dense");
  Expect(Take(engine->Get(kKey), "get").bytes == large, "the value on the device is wrong");

  auto iterator = Take(engine->NewIterator(), "iterate");
  iterator->SeekToFirst();
  Expect(iterator->Valid() && iterator->key() == kKey, "the iterator does not show the key");
  iterator.reset();

  const rawkv::Status back = engine->Rollback(first);
  Expect(back.ok(), "rollback: " + back.ToString());
  Expect(Take(engine->Get(kKey), "get after rollback").bytes == "hello",
         "the rollback did not restore the first value");
  Expect(engine->Get("absent").status().code() == rawkv::StatusCode::kNotFound,
         "Get of an absent key is not kNotFound");
  const rawkv::Status closed = engine->Close();
  Expect(closed.ok(), "close: " + closed.ToString());
  engine.reset();

  engine = Open(dir, logger);
  Expect(engine->version() == first, "the reopened store is not at version " + rawkv::ToString(first));
  const rawkv::EngineInfo info = Take(engine->Info(), "info");
  Expect(info.store_uuid == made.store_uuid, "the reopened store is not " + made.store_uuid.ToString());
  return 0;
}
