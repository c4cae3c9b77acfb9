// Look-ups that read the index from its files: how many of them run at a time.

#include <rocksdb/file_system.h>

#include "base/mutex.h"
#include "blockdev/aligned_buffer.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

// The real filesystem, in which reads of tables wait until enough of them wait together.
class GatheringReads final : public rocksdb::FileSystemWrapper {
 public:
  GatheringReads() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "rawkv.GatheringReads"; }

  // From now on each read waits until `count` wait together. 0: reads do not wait.
  void Gather(size_t count) {
    MutexLock lock(mu_);
    wanted_ = count;
    changed_.NotifyAll();
  }
  // The largest number of reads that waited together.
  size_t most() {
    MutexLock lock(mu_);
    return most_;
  }

  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::NewRandomAccessFile(path, options, file, debug);
    if (status.ok() && path.ends_with(".sst")) *file = std::make_unique<File>(*this, std::move(*file));
    return status;
  }

 private:
  class File final : public rocksdb::FSRandomAccessFileOwnerWrapper {
   public:
    File(GatheringReads& fs, std::unique_ptr<rocksdb::FSRandomAccessFile> file)
        : FSRandomAccessFileOwnerWrapper(std::move(file)), fs_(fs) {}
    rocksdb::IOStatus Read(uint64_t offset, size_t n, const rocksdb::IOOptions& options,
                           rocksdb::Slice* result, char* scratch,
                           rocksdb::IODebugContext* debug) const override {
      fs_.AwaitOthers();
      return FSRandomAccessFileOwnerWrapper::Read(offset, n, options, result, scratch, debug);
    }

   private:
    GatheringReads& fs_;
  };

  void AwaitOthers() {
    MutexLock lock(mu_);
    if (wanted_ == 0) return;
    most_ = std::max(most_, ++waiting_);
    if (waiting_ >= wanted_) wanted_ = 0;
    changed_.NotifyAll();
    while (wanted_ != 0) changed_.Wait(mu_);
    --waiting_;
  }

  Mutex mu_;
  CondVar changed_;
  size_t wanted_ RAWKV_GUARDED_BY(mu_) = 0;
  size_t waiting_ RAWKV_GUARDED_BY(mu_) = 0;
  size_t most_ RAWKV_GUARDED_BY(mu_) = 0;
};

class SessionLookUpTest : public EngineTest {
 protected:
  static std::string KeyName(uint64_t i) { return "key " + std::to_string(1'000'000 + i); }
  static std::string ValueOf(uint64_t i) { return std::string(300, static_cast<char>('a' + i % 26)); }
};

// Were there only a few threads, the reads would wait for each other until the time-out of the test.
TEST_F(SessionLookUpTest, ManyLookUpsReadTheIndexAtATime) {
  constexpr uint64_t kStored = 20'000;
  constexpr uint64_t kReads = 64;
  constexpr uint64_t kApart = kStored / kReads;  // so that each key is in a block of its own
  constexpr size_t kTogether = 32;
  const auto files = std::make_shared<GatheringReads>();
  open_.env.index_fs = files;
  open_.value_cache_bytes = 0;
  FormatAndOpen();
  for (uint64_t i = 0; i < kStored;) {
    WriteBatch batch;
    for (const uint64_t end = i + 1000; i < end; ++i) batch.Put(KeyName(i), ValueOf(i));
    ASSERT_OK(engine_->Commit(batch).status);
  }
  ASSERT_OK(engine_->CreateSnapshot());  // writes the tables
  Reopen();                              // and empties the cache of their blocks

  EXPECT_EQ(Get(KeyName(kStored - 1)), ValueOf(kStored - 1));  // RocksDB opens the table, with one thread

  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Session> session, engine_->OpenSession());
  files->Gather(kTogether);
  std::vector<AlignedBuffer> out;
  std::map<uint64_t, uint64_t> read_of;  // by the id
  for (uint64_t i = 0; i < kReads; ++i) {
    const std::string name = KeyName(i * kApart);
    const SessionRead read{name, out.emplace_back(kBlockAlign).bytes()};
    ASSERT_OK_AND_ASSIGN(const uint64_t id, session->SubmitGet(std::span(&read, 1)));
    read_of[id] = i;
  }
  std::vector<SessionCompletion> done(kReads);
  for (size_t completed = 0; completed < kReads;) {
    ASSERT_TRUE(session->Wait(-1));
    completed += session->Drain(std::span(done).subspan(completed));
  }
  for (const SessionCompletion& one : done) {
    const uint64_t i = read_of.at(one.id);
    ASSERT_OK(one.answers.front().status);
    EXPECT_EQ(AsStringView(out[i].bytes().first(one.answers.front().bytes)), ValueOf(i * kApart));
  }
  EXPECT_EQ(files->most(), kTogether);
  EXPECT_EQ(session->stats().reads_on_a_thread, kReads);
}

}  // namespace
}  // namespace rawkv
