// The power is cut, and operations fail, while the chunks of an export are received. The directory then is
// the whole export, or no export, and the same calls make it one.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/fs_ops.h"
#include "base/sha256.h"
#include "engine/transfer/chunk_transfer.h"
#include "snapshot/export_format.h"
#include "tests/support/expect_status.h"
#include "tests/support/fault_fs.h"
#include "tests/support/sim/crash_plan.h"
#include "tests/support/sim/sim_world.h"
#include "tests/support/temp_dir.h"

namespace rawkv {
namespace {

constexpr char kDir[] = "/got";

// Chunk 0 and four chunks of an export.
class Sent {
 public:
  Sent() {
    ExportManifest manifest{.chunk_bytes = kMinChunkBytes, .version = Version(9)};
    chunks_.emplace_back();
    ChunkWriter writer(kMinChunkBytes, [&](const ExportChunk& chunk, std::string_view file) {
      manifest.chunks.push_back(chunk);
      chunks_.emplace_back(file);
      return Status::Ok();
    });
    for (int i = 0; i < 4; ++i) {
      const std::string value(100'000, static_cast<char>('a' + i));
      EXPECT_TRUE(writer.BeginKey("key" + std::to_string(i), value.size()).ok());
      EXPECT_TRUE(writer.AppendValue(AsBytes(value)).ok());
      ++manifest.key_count;
      manifest.value_bytes += value.size();
    }
    EXPECT_TRUE(writer.Finish().ok());
    chunks_[0] = EncodeExportManifest(manifest);
  }
  size_t size() const { return chunks_.size(); }
  ConstBytes chunk(uint64_t i) const { return AsBytes(chunks_[i]); }
  Sha256Digest hash() const { return Sha256Of(chunk(0)); }
  Result<std::unique_ptr<ExportReceiver>> Open(const std::string& dir, const Environment& env) const {
    return ExportReceiver::Open(dir, hash(), env);
  }
  // Adds what is missing.
  Status Receive(ExportReceiver& receiver) const {
    while (!receiver.complete()) {
      const std::vector<uint64_t> missing = receiver.Missing(1);
      const uint64_t next = missing.empty() ? 0 : missing.front();
      RAWKV_RETURN_IF_ERROR(receiver.Add(next, chunk(next)));
    }
    return Status::Ok();
  }
  // "" if the directory is this export, whole.
  std::string FindFault(const std::string& dir, const Environment& env) const {
    const auto reader = ExportReader::Open(dir, env);
    if (!reader.ok()) return reader.status().ToString();
    std::string out((*reader)->summary().chunk_bytes_max, '\0');
    for (uint64_t i = 0; i < size(); ++i) {
      const Result<uint64_t> bytes = (*reader)->Read(i, AsWritableBytes(out));
      if (!bytes.ok()) return bytes.status().ToString();
      if (out.substr(0, *bytes) != AsStringView(chunk(i))) return "chunk " + std::to_string(i) + " differs";
    }
    return "";
  }

 private:
  std::vector<std::string> chunks_;
};

// What was acknowledged before a place of the trace.
struct Acknowledged {
  size_t place = 0;
  uint64_t chunk = 0;
};

// Returns "" if the crash state is allowed.
std::string Judge(const Sent& sent, const DiskImage& image, const std::set<uint64_t>& kept, uint64_t seed) {
  SimWorld world(image, seed);
  const Result<bool> finished = Exists(world.fs(), JoinPath(kDir, "MANIFEST"));
  if (!finished.ok()) return finished.status().ToString();
  if (*finished) {
    const std::string fault = sent.FindFault(kDir, world.env());
    if (!fault.empty()) return "an export that is not whole: " + fault;
  }
  const auto receiver = sent.Open(kDir, world.env());
  if (!receiver.ok()) return "open: " + receiver.status().ToString();
  for (const uint64_t missing : (*receiver)->Missing(100)) {
    if (kept.contains(missing)) return "chunk " + std::to_string(missing) + " is lost";
  }
  const Status received = sent.Receive(**receiver);
  if (!received.ok()) return "receive: " + received.ToString();
  return sent.FindFault(kDir, world.env());
}

TEST(SimReceive, PowerCutLosesNoChunkThatWasAcknowledged) {
  const Sent sent;
  const DiskImage start;
  SimWorld world(start, 41);
  world.disk().Record(true);
  std::vector<TraceEvent> trace;
  std::vector<Acknowledged> acknowledged;
  const auto collect = [&] {
    for (TraceEvent& event : world.disk().TakeTrace()) trace.push_back(std::move(event));
  };
  ASSERT_OK_AND_ASSIGN(const auto receiver, sent.Open(kDir, world.env()));
  for (const uint64_t chunk : {0, 3, 1, 4, 2}) {
    ASSERT_OK(receiver->Add(chunk, sent.chunk(chunk)));
    collect();
    acknowledged.push_back({trace.size(), chunk});
  }
  ASSERT_TRUE(receiver->complete());
  ASSERT_EQ(sent.size(), 5u);
  CrashStates states(start);
  std::set<uint64_t> seen;
  for (const TraceEvent& event : trace) {
    states.Advance(event);
    std::set<uint64_t> kept;
    for (const Acknowledged& done : acknowledged) {
      if (done.place <= states.place()) kept.insert(done.chunk);
    }
    for (const CrashPlan& plan : CrashPlans(states.place(), 3)) {
      const DiskImage image = Crash(states, plan);
      seen.insert(image.Hash());
      ASSERT_EQ(Judge(sent, image, kept, seen.size()), "")
          << "place " << states.place() << ", " << Describe(plan) << "\n"
          << image.Describe();
    }
  }
  EXPECT_GE(seen.size(), 20u);
  std::printf("[   states ] %zu\n", seen.size());
}

// Each operation fails once. The call returns the error, or the operation does not matter. A repetition
// succeeds.
TEST(SimReceive, FailedOperationCanBeRepeated) {
  const Sent sent;
  uint64_t failed = 0;
  for (bool fired = true; fired; ++failed) {
    SCOPED_TRACE("operation " + std::to_string(failed));
    const TempDir tmp;
    FaultFs faults(PosixFs());
    Environment env;
    env.fs = &faults;
    faults.Arm({.skip = failed, .reach = FaultFs::Reach::kOnce, .partial = true, .matches = {}});
    Result<std::unique_ptr<ExportReceiver>> receiver = sent.Open(tmp.File("got"), env);
    if (!receiver.ok()) receiver = sent.Open(tmp.File("got"), env);
    ASSERT_OK(receiver);
    if (!sent.Receive(**receiver).ok()) ASSERT_OK(sent.Receive(**receiver));
    fired = faults.fired();
    ASSERT_EQ(sent.FindFault(tmp.File("got"), env), "");
  }
  EXPECT_GE(failed, 20u) << "the receiver changes next to nothing: the test is blind";
}

// The process is killed at each operation. The next one continues.
TEST(SimReceive, KilledReceiverIsContinued) {
  const Sent sent;
  bool fired = true;
  for (uint64_t skip = 0; fired; ++skip) {
    SCOPED_TRACE("operation " + std::to_string(skip));
    const TempDir tmp;
    {
      FaultFs faults(PosixFs());
      Environment env;
      env.fs = &faults;
      faults.Arm({.skip = skip, .reach = FaultFs::Reach::kEverything, .partial = true, .matches = {}});
      const auto receiver = sent.Open(tmp.File("got"), env);
      if (receiver.ok()) (void)sent.Receive(**receiver);
      fired = faults.fired();
    }
    ASSERT_OK_AND_ASSIGN(const auto receiver, sent.Open(tmp.File("got"), {}));
    ASSERT_OK(sent.Receive(*receiver));
    ASSERT_EQ(sent.FindFault(tmp.File("got"), {}), "");
  }
}

}  // namespace
}  // namespace rawkv
