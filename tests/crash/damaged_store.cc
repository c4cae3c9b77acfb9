#include "tests/crash/damaged_store.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/checksum.h"
#include "base/fs_ops.h"
#include "engine/index/key_index.h"
#include "engine/store/store_file.h"
#include "snapshot/snapshot_store.h"
#include "wal/segment_reader.h"

namespace rawkv {

namespace fs = std::filesystem;

TempDir* DamagedStore::prepared_ = nullptr;
std::map<uint64_t, std::map<std::string, std::string>>* DamagedStore::states_ = nullptr;

std::string DamagedStore::RecordText(uint64_t version) {
  return "text of version " + std::to_string(version) + "!";
}

void DamagedStore::SetUpTestSuite() {
  prepared_ = new TempDir();
  states_ = new std::map<uint64_t, std::map<std::string, std::string>>();
  const std::string dir = prepared_->File("store");
  FormatOptions format{.capacity_bytes = 4 << 20};
  format.runtime.wal_segment_bytes = 64 << 10;
  ASSERT_TRUE(Engine::Format(dir, format).ok());
  OpenOptions options = Quiet();
  options.settings.undo_versions =
      0;  // with undo records the close flushes the index, and the log is not needed
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Engine> engine, Engine::Open(dir, options));
  (*states_)[0] = {};
  for (uint64_t v = 1; v <= kTip; ++v) {
    WriteBatch batch;
    batch.Put("inline" + std::to_string(v % 3), RecordText(v));
    for (uint64_t i = 0; i < 25; ++i) {
      batch.Put("filler" + std::to_string(i), std::string(1000, static_cast<char>('A' + v)));
    }
    batch.Put("payload" + std::to_string(v % 3), "payload " + RecordText(v) + std::string(5000, 'p'));
    ASSERT_TRUE(engine->Commit(batch).ok());
    if (v == 5 || v == 9) {
      ASSERT_TRUE(engine->CreateSnapshot().ok());
    }
    (*states_)[v] = Content(*engine);
  }
  ASSERT_TRUE(engine->Close().ok());
  ASSERT_EQ(FilesIn(dir + "/wal", ".log").size(), 6u);
}

void DamagedStore::TearDownTestSuite() {
  delete prepared_;
  delete states_;
}

std::string DamagedStore::FreshCopy(const std::string& name) {
  const std::string to = scratch_.File(name);
  fs::remove_all(to);
  const std::string command = "cp -a --sparse=always '" + prepared_->File("store") + "' '" + to + "'";
  EXPECT_EQ(std::system(command.c_str()), 0);
  return to;
}

std::string DamagedStore::SnapshotDir(const std::string& dir, uint64_t version) {
  return dir + "/" + SnapshotStore::DirName(Version(version));
}

std::string DamagedStore::Segment(const std::string& dir, uint64_t first) {
  return dir + "/wal/" + SegmentName(Version(first));
}

std::vector<std::string> DamagedStore::FilesIn(const std::string& dir, const std::string& ending) {
  std::vector<std::string> out;
  const Result<std::vector<std::string>> names = PosixFs().List(dir);
  EXPECT_OK(names);
  for (const std::string& name : *names) {
    if (name.ends_with(ending)) out.push_back(dir + "/" + name);
  }
  return out;
}

void DamagedStore::FlipUnshared(const std::string& path, uint64_t offset) {
  fs::copy_file(path, path + ".copy");
  fs::rename(path + ".copy", path);
  FlipByte(path, offset);
}

void DamagedStore::FlipRecord(const std::string& dir, uint64_t version) {
  const std::string path = Segment(dir, version - (version + 1) % 2);
  ASSERT_OK_AND_ASSIGN(const std::string log, ReadFile(PosixFs(), path, 1 << 20));
  const size_t at = log.find(RecordText(version));
  ASSERT_NE(at, std::string::npos);
  FlipByte(path, at);
}

void DamagedStore::LoseLogFrom(const std::string& dir, uint64_t version) {
  const uint64_t first = version - (version + 1) % 2;
  const std::string path = Segment(dir, first);
  for (const std::string& later : FilesIn(dir + "/wal", ".log")) {
    if (later > path) fs::remove(later);
  }
  ASSERT_OK_AND_ASSIGN(const StoreRecord store, LoadStoreRecord(PosixFs(), dir));
  const WalContext log{&PosixFs(), dir + "/wal", store.store_uuid, store.chain};
  ASSERT_OK_AND_ASSIGN(SegmentReader reader,
                       SegmentReader::Open(log, {Version(first), path, fs::file_size(path)}));
  while (Next(reader.point().last) < Version(version)) ASSERT_TRUE(reader.Next()->has_value());
  std::string bytes = *ReadFile(PosixFs(), path, 1 << 20);
  std::fill(bytes.begin() + static_cast<ptrdiff_t>(reader.point().offset), bytes.end(), '\0');
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void DamagedStore::FlipPayload(const std::string& dir, uint64_t version) {
  const Result<std::string> device = ReadFile(PosixFs(), dir + "/device.img", 1 << 30);
  ASSERT_TRUE(device.ok());
  const size_t at = device->find("payload " + RecordText(version));
  ASSERT_NE(at, std::string::npos);
  FlipByte(dir + "/device.img", at + 3000);
}

void DamagedStore::ChangeIndex(const std::string& index_dir, const std::function<void(KeyIndex&)>& fn) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<KeyIndex> index,
                       KeyIndex::Open({.dir = index_dir, .fs = nullptr}));
  fn(*index);
  ASSERT_TRUE(index->StartFlush().ok());
  ASSERT_TRUE(index->WaitFlush().ok());
}

std::map<std::string, std::string> DamagedStore::DescribeFiles(const std::string& dir) {
  std::map<std::string, std::string> out;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(dir)) {
    const std::string name = entry.path().string().substr(dir.size() + 1);
    if (name == "LOCK" || name.starts_with("views")) continue;
    struct stat st {};
    EXPECT_EQ(::lstat(entry.path().c_str(), &st), 0) << name;
    if (name == "device.img") {
      // An open for writing tries to punch a hole after the end of the file, which changes its modification
      // time.
      out[name] = std::to_string(Xxh3(AsBytes(*ReadFile(PosixFs(), entry.path(), 1 << 30))));
      continue;
    }
    out[name] = std::to_string(st.st_ino) + " " + std::to_string(st.st_size) + " " +
                std::to_string(st.st_mtim.tv_sec) + "." + std::to_string(st.st_mtim.tv_nsec);
  }
  return out;
}

}  // namespace rawkv
