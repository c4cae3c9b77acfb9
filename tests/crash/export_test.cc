// State sync. An export that is taken during commits can be imported into a store with another layout. A
// damaged export is refused. An import that is killed at a random moment leaves no store.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "base/fs_ops.h"
#include "engine/api/results.h"
#include "engine/transfer/transfer.h"
#include "tests/crash/store_fixture.h"

namespace rawkv {
namespace {

ImportOptions Import(const std::string& in) {
  ImportOptions import{.in = in};
  import.format.capacity_bytes = 64 << 20;
  import.format.slot_bytes = 16384;
  import.format.inline_bytes = 100;
  import.format.env.logger = &NullLogger();
  return import;
}

class ExportTest : public StoreFixture {
 protected:
  // Makes a store with values from empty to several chunks.
  std::string Source() {
    const std::string dir = NewStore("source", {.capacity_bytes = 600ull << 20});
    const std::unique_ptr<Engine> engine = Open(dir);
    std::mt19937_64 random(7);
    for (int i = 0; i < 60; ++i) {
      const uint64_t sizes[] = {0, 1, 100, 1024, 1025, 4096, 70'000, 300'000};
      Put(*engine, "key" + std::to_string(i),
          std::string(sizes[random() % 8], static_cast<char>('a' + i % 26)));
    }
    Put(*engine, "large", std::string(5 << 20, 'L'));
    return dir;
  }
};

TEST_F(ExportTest, ExportHoldsItsVersionDespiteConcurrentCommits) {
  const std::string source = Source();
  const std::string out = scratch_.File("export");
  const std::unique_ptr<Engine> engine = Open(source);
  // The pin holds the version: between the two exports the committer's snapshots prune what nothing holds.
  ASSERT_OK_AND_ASSIGN(const Version version, engine->Pin("exported"));
  const std::map<std::string, std::string> expected = Content(*engine);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> commits{0};
  std::thread committer([&] {
    for (uint64_t i = 0; !stop; ++i) {
      Put(*engine, "key" + std::to_string(i % 60), std::string(3000 + i % 5000, 'N'));
      if (i % 50 == 49) EXPECT_TRUE(engine->CreateSnapshot().ok());
      ++commits;
    }
  });
  while (commits < 20) std::this_thread::yield();
  const auto export_to = [&](const std::string& to) {
    return engine->Export({.version = version, .out = to, .chunk_bytes = 1 << 20});
  };
  const Status first = export_to(out);
  // A second export of the version gives the same bytes, except for ORIGIN.
  const Status second = export_to(out + "2");
  stop = true;
  committer.join();
  ASSERT_OK(first);
  ASSERT_OK(second);
  for (const auto& entry : std::filesystem::directory_iterator(out)) {
    const std::string name = entry.path().filename().string();
    if (name == "ORIGIN") continue;
    const Result<std::string> one = ReadFile(PosixFs(), entry.path().string(), 1 << 30);
    const Result<std::string> other = ReadFile(PosixFs(), out + "2/" + name, 1 << 30);
    ASSERT_TRUE(one.ok() && other.ok()) << name << ": " << other.status().ToString();
    EXPECT_TRUE(*one == *other) << name;
  }
  const std::string copy = scratch_.File("copy");
  ASSERT_OK_AND_ASSIGN(const FormatResult imported, ImportStore(copy, Import(out)));
  EXPECT_EQ(imported.version, version);
  {
    const std::unique_ptr<Engine> other = Open(copy);
    EXPECT_EQ(Content(*other), expected);
    EXPECT_EQ(Put(*other, "next", "value"), Next(version));
  }
  ExpectWhole(copy);
  EXPECT_EQ(ImportStore(copy, Import(out)).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(ExportTest, ErrorForAnyFlippedByteNamesTheFile) {
  const std::string out = scratch_.File("export");
  {
    const std::unique_ptr<Engine> engine = Open(Source());
    ASSERT_TRUE(engine->Export({.version = engine->version(), .out = out, .chunk_bytes = 1 << 20}).ok());
  }
  std::mt19937_64 random(11);
  for (const auto& entry : std::filesystem::directory_iterator(out)) {
    const std::string name = entry.path().filename().string();
    const uint64_t size = entry.file_size();
    for (int i = 0; i < 6; ++i) {
      // The first byte, the last byte, then random ones.
      const uint64_t at = i == 0 ? 0 : i == 1 ? size - 1 : random() % size;
      std::fstream f(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      const auto flip = [&] {
        f.seekg(static_cast<std::streamoff>(at));
        const int byte = f.get();
        f.seekp(static_cast<std::streamoff>(at));
        f.put(static_cast<char>(byte ^ 0x40));
        f.flush();
      };
      flip();
      const std::string copy = scratch_.File("copy");
      const Result<FormatResult> imported = ImportStore(copy, Import(out));
      ASSERT_FALSE(imported.ok()) << name << " byte " << at;
      EXPECT_STATUS(imported, StatusCode::kCorruption, name);
      EXPECT_EQ(Engine::Open(copy, Quiet()).status().code(), StatusCode::kNotFound);
      flip();
    }
  }
  EXPECT_TRUE(ImportStore(scratch_.File("copy"), Import(out)).ok()) << "the repaired export was refused";
}

TEST_F(ExportTest, ImportKilledAtARandomMomentIsNotAStore) {
  const std::string out = scratch_.File("export");
  std::map<std::string, std::string> expected;
  {
    const std::unique_ptr<Engine> engine = Open(Source());
    expected = Content(*engine);
    ASSERT_TRUE(engine->Export({.version = engine->version(), .out = out, .chunk_bytes = 1 << 20}).ok());
  }
  const std::string copy = scratch_.File("copy");
  std::mt19937_64 random(13);
  int killed = 0;
  for (int round = 0; round < 25; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      execl("/proc/self/exe", "worker", "--import", out.c_str(), copy.c_str(), nullptr);
      _exit(7);
    }
    // The random sleep varies the moment of the kill; the test does not wait for anything.
    usleep(static_cast<useconds_t>(random() % 120'000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    killed += WIFSIGNALED(status);
    const Result<std::unique_ptr<Engine>> engine = Engine::Open(copy, Quiet());
    if (!engine.ok()) {
      ASSERT_EQ(engine.status().code(), StatusCode::kNotFound) << engine.status().ToString();
      continue;
    }
    ASSERT_EQ(Content(**engine), expected);
    ASSERT_TRUE((*engine)->Close().ok());
    ASSERT_TRUE(RemoveTree(PosixFs(), copy).ok());
  }
  EXPECT_GT(killed, 0);
  const Result<FormatResult> imported = ImportStore(copy, Import(out));
  ASSERT_TRUE(imported.ok()) << "leftovers of killed imports prevent an import: "
                             << imported.status().ToString();
  ExpectWhole(copy);
}

}  // namespace
}  // namespace rawkv

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--import") {
    return rawkv::ImportStore(argv[3], rawkv::Import(argv[2])).ok() ? 0 : 1;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
