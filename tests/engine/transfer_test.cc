// Export and import, and the functions that inspect a store that is not open in this process.

#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/fs_ops.h"
#include "engine/admin/inspect.h"
#include "engine/transfer/transfer.h"
#include "snapshot/export_format.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/flip_byte.h"
#include "tests/support/standing_clock.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

class TransferTest : public EngineTest {
 protected:
  void Fill() {
    FormatAndOpen();
    for (uint64_t i = 0; i < 30; ++i) Put("k" + std::to_string(i), MakeValue({i, i * 10 * kKiB}));
    Put("empty", "");
    Delete("k3");
  }
  Status Export(const std::string& out, Version version) {
    return engine_->Export({.version = version, .out = out, .chunk_bytes = kMiB, .progress = {}});
  }
  Result<FormatResult> Import(const std::string& in, const std::string& dir) {
    FormatOptions format;
    format.capacity_bytes = 64 * kMiB;
    format.slot_bytes = 16384;
    format.env.logger = &logger_;
    return ImportStore(dir, {.in = in, .format = format, .progress = {}});
  }
  // The files of an export without ORIGIN, which names the source store.
  std::map<std::string, std::string> Content(const std::string& dir) {
    std::map<std::string, std::string> out;
    for (const auto& file : fs::directory_iterator(dir)) {
      const std::string name = file.path().filename();
      if (name != "ORIGIN") out[name] = *ReadFile(PosixFs(), file.path().string(), 64 * kMiB);
    }
    return out;
  }
};

TEST_F(TransferTest, ImportedStoreContinuesFromTheExportedVersion) {
  Fill();
  ASSERT_OK(Export(tmp_.File("out"), Version(32)));
  const Result<FormatResult> imported = Import(tmp_.File("out"), tmp_.File("copy"));
  ASSERT_OK(imported);
  EXPECT_EQ(imported->version, Version(32));
  EXPECT_NE(imported->store_uuid, Info().store_uuid);
  const Result<std::unique_ptr<Engine>> copy = Engine::Open(tmp_.File("copy"), open_);
  ASSERT_OK(copy);
  EXPECT_EQ((*copy)->version(), Version(32));
  EXPECT_EQ((*copy)->Info()->initial_version, Version(32));
  EXPECT_EQ((*copy)->Info()->slot_bytes, 16384);
  EXPECT_EQ(DiffValue({29, 290 * kKiB}, (*copy)->Get("k29")->bytes), "");
  EXPECT_EQ((*copy)->Get("empty")->bytes, "");
  EXPECT_STATUS((*copy)->Get("k3"), StatusCode::kNotFound);
  EXPECT_STATUS((*copy)->OpenView(Version(31)), StatusCode::kVersionUnreachable);
  EXPECT_EQ((*copy)->Commit(WriteBatch()).version, Version(33));
  EXPECT_FALSE(fs::exists(tmp_.File("copy.importing")));
}

TEST_F(TransferTest, EqualContentExportsEqualBytes) {
  Fill();
  ASSERT_OK(Export(tmp_.File("first"), Version(32)));
  ASSERT_OK(Import(tmp_.File("first"), tmp_.File("copy")));
  const std::unique_ptr<Engine> copy = *Engine::Open(tmp_.File("copy"), open_);
  ASSERT_OK(copy->Export(
      {.version = Version(32), .out = tmp_.File("second"), .chunk_bytes = kMiB, .progress = {}}));
  EXPECT_EQ(Content(tmp_.File("first")), Content(tmp_.File("second")));
  EXPECT_GT(Content(tmp_.File("first")).size(), 4);
}

TEST_F(TransferTest, OldVersionsAreExportedDuringCommits) {
  Fill();
  uint64_t reports = 0;
  ExportOptions options{.version = Version(10), .out = tmp_.File("out"), .chunk_bytes = kMiB, .progress = {}};
  options.progress = [&](const Progress& p) {
    EXPECT_STREQ(p.what, "export");
    ++reports;
    Overwrite("k5", 1);
  };
  ASSERT_OK(engine_->Export(options));
  EXPECT_GT(reports, 0);
  const Result<std::vector<ExportChunkRow>> rows = ListExport(tmp_.File("out"));
  ASSERT_OK(rows);
  ASSERT_FALSE(rows->empty());
  EXPECT_EQ(rows->front().first_key, "k0");
  EXPECT_EQ(rows->back().last_key, "k9");
  for (const ExportChunkRow& row : *rows) {
    EXPECT_EQ(fs::file_size(tmp_.File("out") + "/" + row.chunk), row.bytes);
    EXPECT_EQ(row.sha256_hex.size(), 64);
  }
  EXPECT_EQ(Info().pinned_by.size(), 1) << "the export still holds its version";
}

// An export whose directory is copied in the middle, as a kill would leave it.
class InterruptedExport : public TransferTest {
 protected:
  void Interrupt(Version version, uint64_t chunks) {
    ExportOptions options{.version = version, .out = tmp_.File("whole"), .chunk_bytes = kMiB, .progress = {}};
    uint64_t reports = 0;
    options.progress = [&](const Progress&) {
      // The report follows a chunk and its row.
      if (reports++ == chunks) fs::copy(tmp_.File("whole"), half_);
    };
    ASSERT_OK(engine_->Export(options));
    ASSERT_GT(reports, chunks);
    ASSERT_TRUE(fs::exists(half_ + "/EXPORTING"));
    // Marks the chunks, so that one that is written again shows.
    for (const auto& file : fs::directory_iterator(half_)) fs::last_write_time(file.path(), old_);
  }
  // The number of chunks that an export to the half-made directory has kept. The result must be whole.
  uint64_t Kept(Version version) {
    EXPECT_OK(Export(half_, version));
    fs::remove_all(tmp_.File("again"));
    EXPECT_OK(Export(tmp_.File("again"), version));
    EXPECT_EQ(Content(half_), Content(tmp_.File("again")));
    EXPECT_OK(Import(half_, tmp_.File("copy")));
    uint64_t kept = 0;
    for (const auto& file : fs::directory_iterator(half_)) kept += fs::last_write_time(file.path()) == old_;
    return kept;
  }
  std::string Chunk(int number) const { return half_ + "/chunk-0000000" + std::to_string(number); }

  const std::string half_ = tmp_.File("half");
  const fs::file_time_type old_ = fs::file_time_type::clock::now() - std::chrono::hours(24);
};

TEST_F(InterruptedExport, KeepsTheFinishedChunks) {
  Fill();
  Interrupt(Version(32), 3);
  EXPECT_GE(Kept(Version(32)), 3u);
  EXPECT_NE(logger_.text().find("resumed the export"), std::string::npos);
}

TEST_F(InterruptedExport, ContinuesInTheMiddleOfAValue) {
  FormatAndOpen();
  Put("a", MakeValue({1, 100}));
  Put("b", MakeValue({2, 9 * kMiB}));
  Put("c", "end");
  for (const uint64_t chunks : {1, 4, 8}) {
    fs::remove_all(half_);
    fs::remove_all(tmp_.File("whole"));
    fs::remove_all(tmp_.File("copy"));
    Interrupt(Version(3), chunks);
    EXPECT_GE(Kept(Version(3)), chunks);
  }
}

TEST_F(InterruptedExport, WritesDamagedChunksAgain) {
  Fill();
  Interrupt(Version(32), 4);
  FlipByte(Chunk(1), 5000);
  fs::last_write_time(Chunk(1), old_);
  EXPECT_EQ(Kept(Version(32)), 1u) << "the chunk before the damaged one";
}

TEST_F(InterruptedExport, WritesMissingChunksAgain) {
  Fill();
  Interrupt(Version(32), 4);
  fs::remove(Chunk(2));
  EXPECT_EQ(Kept(Version(32)), 2u);
}

TEST_F(InterruptedExport, KeepsNothingOfAnotherVersion) {
  Fill();
  Interrupt(Version(32), 3);
  Overwrite("k29", 1);
  EXPECT_EQ(Kept(Version(33)), 0u);
}

TEST_F(InterruptedExport, KeepsNothingOfAnotherBranch) {
  Fill();
  Interrupt(Version(32), 3);
  ASSERT_OK(engine_->Rollback(Version(31)));
  Put("k0", "other");
  ASSERT_EQ(engine_->version(), Version(32));
  EXPECT_EQ(Kept(Version(32)), 0u);
}

TEST_F(InterruptedExport, BeginsAgainWhereAnOlderOneLeftAnEmptyMark) {
  Fill();
  Interrupt(Version(32), 3);
  fs::resize_file(half_ + "/EXPORTING", 0);
  fs::last_write_time(half_ + "/EXPORTING", old_);
  EXPECT_EQ(Kept(Version(32)), 0u);
}

TEST_F(TransferTest, OriginNamesTheBranchThatMadeTheExportedVersion) {
  FormatAndOpen();
  Overwrite("k", 4);
  const Lineage first = Info().lineage;
  ASSERT_OK(engine_->Rollback(Version(3)));
  Overwrite("k", 1);
  const Lineage second = Info().lineage;
  ASSERT_NE(first, second);
  for (const uint64_t version : {3u, 4u}) {
    const std::string out = tmp_.File("export" + std::to_string(version));
    ASSERT_OK(engine_->Export({.version = Version(version), .out = out}));
    const Result<std::string> file = ReadFile(PosixFs(), out + "/ORIGIN", kMaxExportOriginBytes);
    ASSERT_OK(file);
    const Result<ExportOrigin> origin = DecodeExportOrigin(*file);
    ASSERT_OK(origin);
    EXPECT_EQ(origin->lineage, version == 3 ? first : second);
    EXPECT_EQ(origin->store_uuid, Info().store_uuid);
  }
}

TEST_F(TransferTest, TimeAndMetadataOfTheVersionSurvive) {
  StandingClock clock;
  format_.env.clock = open_.env.clock = &clock;
  FormatAndOpen();
  const std::string metadata("block\0 7\xff", 9);
  for (uint64_t i = 0; i < 3; ++i) {
    clock.now_unix_ms = 5'000 + i;
    WriteBatch batch;
    const std::string value = MakeValue({i, 3 * kMiB});  // several batches of an import
    for (const char* key : {"a", "b", "c", "d"}) batch.Put(key, value);
    batch.SetMetadata(metadata + static_cast<char>('0' + i));
    ASSERT_OK(engine_->Commit(batch));
  }
  clock.now_unix_ms = 9'000;
  ASSERT_OK(Export(tmp_.File("out"), Version(2)));
  const auto imported_commit = [&](const std::string& name) {
    EXPECT_OK(Import(tmp_.File("out"), tmp_.File(name)));
    const std::unique_ptr<Engine> copy = *Engine::Open(tmp_.File(name), open_);
    EXPECT_EQ(copy->FindVersionAt(UINT64_MAX).value(), Version(2));
    const CommitRecord commit = *copy->GetCommit(Version(2));
    // It is still there when the import is history, and after a rollback to it.
    EXPECT_OK(copy->Commit(WriteBatch()));
    EXPECT_OK(copy->CreateSnapshot());
    EXPECT_OK(copy->Rollback(Version(2)));
    EXPECT_EQ(copy->GetCommit(Version(2))->metadata, commit.metadata);
    return commit;
  };
  const CommitRecord kept = imported_commit("copy");
  EXPECT_EQ(kept.time_unix_ms, 5'001u);
  EXPECT_EQ(kept.metadata, metadata + '1');
  // An export of an older version of rawkv has no commit in ORIGIN; peers may leave ORIGIN out.
  const std::string origin = tmp_.File("out") + "/ORIGIN";
  const std::string file = *ReadFile(PosixFs(), origin, kMaxExportOriginBytes);
  ExportOrigin older = *DecodeExportOrigin(file);
  older.commit.reset();
  std::ofstream(origin, std::ios::binary) << EncodeExportOrigin(older);
  EXPECT_EQ(imported_commit("older").metadata, "");
  fs::remove(origin);
  EXPECT_EQ(imported_commit("without").metadata, "");
  EXPECT_GT(imported_commit("again").time_unix_ms, 9'000u) << "the import is the commit";
  // ORIGIN is damaged, or is that of another export.
  std::ofstream(origin, std::ios::binary) << file.substr(1);
  EXPECT_STATUS(Import(tmp_.File("out"), tmp_.File("bad")), StatusCode::kCorruption, "ORIGIN");
  ExportOrigin other = *DecodeExportOrigin(file);
  other.commit->version = Version(1);
  std::ofstream(origin, std::ios::binary) << EncodeExportOrigin(other);
  EXPECT_STATUS(Import(tmp_.File("out"), tmp_.File("bad")), StatusCode::kCorruption, "version 1", "not 2");
  EXPECT_FALSE(fs::exists(tmp_.File("bad")));
  Close();
  open_.env.clock = &SystemClock();
}

TEST_F(TransferTest, ExportRefusesBadTargetsSizesAndVersions) {
  Fill();
  fs::create_directory(tmp_.File("full"));
  std::ofstream(tmp_.File("full") + "/x") << "x";
  EXPECT_STATUS(Export(tmp_.File("full"), Version(5)), StatusCode::kFailedPrecondition, "full");
  EXPECT_STATUS(Export(tmp_.File("out"), Version(99)), StatusCode::kVersionUnreachable, "99");
  for (const uint64_t bytes : {kMiB - 1, 16 * kMiB + 1}) {
    EXPECT_STATUS(engine_->Export(
                      {.version = Version(5), .out = tmp_.File("out"), .chunk_bytes = bytes, .progress = {}}),
                  StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(fs::exists(tmp_.File("out")));
  EXPECT_STATUS(ListExport(tmp_.File("out")), StatusCode::kFailedPrecondition, "no export");
}

TEST_F(TransferTest, ImportRefusesADirectoryThatIsNotEmpty) {
  Fill();
  ASSERT_OK(Export(tmp_.File("out"), Version(32)));
  EXPECT_STATUS(Import(tmp_.File("out"), dir_), StatusCode::kFailedPrecondition, dir_);
  fs::create_directory(tmp_.File("full"));
  std::ofstream(tmp_.File("full") + "/x") << "x";
  EXPECT_STATUS(Import(tmp_.File("out"), tmp_.File("full")), StatusCode::kFailedPrecondition);
  fs::create_directory(tmp_.File("empty"));
  EXPECT_OK(Import(tmp_.File("out"), tmp_.File("empty")));
}

TEST_F(TransferTest, DamagedExportIsCorruptionAndLeavesNothing) {
  Fill();
  ASSERT_OK(Export(tmp_.File("out"), Version(32)));
  const std::string victim = ListExport(tmp_.File("out"))->at(2).chunk;
  const std::string path = tmp_.File("out") + "/" + victim;
  const std::string good = *ReadFile(PosixFs(), path, 64 * kMiB);
  const auto expect_corrupt = [&] {
    EXPECT_STATUS(Import(tmp_.File("out"), tmp_.File("copy")), StatusCode::kCorruption, victim);
    EXPECT_FALSE(fs::exists(tmp_.File("copy")));
    EXPECT_FALSE(fs::exists(tmp_.File("copy.importing")));
  };
  std::string bad = good;
  bad[bad.size() / 2] = static_cast<char>(~bad[bad.size() / 2]);
  std::ofstream(path, std::ios::binary) << bad;
  expect_corrupt();
  std::ofstream(path, std::ios::binary) << good.substr(0, good.size() - 1);
  expect_corrupt();
  fs::remove(path);
  expect_corrupt();
  std::ofstream(path, std::ios::binary) << good;
  EXPECT_OK(Import(tmp_.File("out"), tmp_.File("copy")));
  fs::remove(tmp_.File("out") + "/MANIFEST");
  EXPECT_FALSE(Import(tmp_.File("out"), tmp_.File("copy2")).ok());
  EXPECT_FALSE(fs::exists(tmp_.File("copy2")));
}

TEST_F(TransferTest, ImportThatDoesNotFitTheDeviceLeavesNothing) {
  Fill();
  ASSERT_OK(Export(tmp_.File("out"), Version(32)));
  FormatOptions format;
  format.capacity_bytes = 2 * kMiB;
  EXPECT_STATUS(ImportStore(tmp_.File("copy"), {.in = tmp_.File("out"), .format = format, .progress = {}}),
                StatusCode::kNoSpace);
  EXPECT_FALSE(fs::exists(tmp_.File("copy")));
  EXPECT_FALSE(fs::exists(tmp_.File("copy.importing")));
}

TEST_F(TransferTest, EmptyVersionCanBeExported) {
  Fill();
  ASSERT_OK(Export(tmp_.File("out"), Version(0)));
  EXPECT_TRUE(ListExport(tmp_.File("out"))->empty());
  const Result<FormatResult> imported = Import(tmp_.File("out"), tmp_.File("copy"));
  ASSERT_OK(imported);
  EXPECT_EQ(imported->version, Version(0));
}

using AdminTest = TransferTest;

TEST_F(AdminTest, InspectWorksOnAClosedStoreAndAlongsideAWriter) {
  Fill();
  ASSERT_OK(engine_->CreateSnapshot());
  Overwrite("k5", 2);
  const EngineInfo open = Info();
  const Result<EngineInfo> alongside = InspectStore(dir_, open_);
  ASSERT_OK(alongside);
  EXPECT_EQ(alongside->version, open.version);
  EXPECT_EQ(alongside->store_uuid, open.store_uuid);
  EXPECT_EQ(alongside->reachable, open.reachable);
  EXPECT_EQ(alongside->current, Version(32));
  ASSERT_TRUE(alongside->writer);
  EXPECT_EQ(alongside->slots.at_version, Version(32)) << "expected the slots as of `current`";
  Close();
  const auto before = Listing({"LOCK"});
  const Result<EngineInfo> closed = InspectStore(dir_, open_);
  ASSERT_OK(closed);
  EXPECT_FALSE(closed->writer);
  EXPECT_EQ(closed->health, "ok");
  EXPECT_EQ(closed->version, Version(34));
  EXPECT_EQ(closed->reachable, open.reachable);
  EXPECT_EQ(Listing({"LOCK"}), before);
}

TEST_F(AdminTest, SnapshotsAreListedAndVerified) {
  Fill();
  ASSERT_OK(engine_->CreateSnapshot());
  ASSERT_OK(engine_->Pin("p", Version(0)));
  const Result<std::vector<SnapshotRow>> rows = ListSnapshots(dir_, open_);
  ASSERT_OK(rows);
  ASSERT_EQ(rows->size(), 2);
  EXPECT_EQ(rows->front().pins, std::vector<std::string>{"p"});
  EXPECT_TRUE(rows->back().current);
  EXPECT_GT(rows->back().bytes, 0);
  EXPECT_OK(VerifySnapshots(dir_, std::nullopt, open_)) << "while the store is open";
  Close();
  const Result<std::vector<SnapshotVerdict>> verdicts = VerifySnapshots(dir_, std::nullopt, open_);
  ASSERT_OK(verdicts);
  ASSERT_EQ(verdicts->size(), 2);
  for (const SnapshotVerdict& v : *verdicts) EXPECT_TRUE(v.errors.empty());
  EXPECT_EQ(VerifySnapshots(dir_, Version(32), open_)->size(), 1);
  EXPECT_STATUS(VerifySnapshots(dir_, Version(5), open_), StatusCode::kFailedPrecondition, "5");

  for (const auto& file : fs::directory_iterator(Path("current") + "/index")) {
    if (file.path().extension() != ".sst") continue;
    std::fstream sst(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    sst.seekp(10);
    sst << "damage";
  }
  whole_at_the_end_ = false;
  EXPECT_FALSE(VerifySnapshots(dir_, Version(32), open_)->front().errors.empty());
  const Result<CheckReport> report = CheckStore(dir_, {}, open_);
  ASSERT_OK(report);
  ASSERT_FALSE(report->ok());
  EXPECT_EQ(report->findings.front().kind, "snapshot");
}

TEST_F(AdminTest, LogIsListedDumpedAndVerified) {
  format_.runtime.wal_segment_bytes = 64 * kKiB;
  Fill();
  for (int i = 0; i < 100; ++i) Put("small", std::string(1000, 's'));
  WriteBatch batch;
  batch.Put("a", "v");
  batch.Delete("b");
  batch.DeletePrefix("c");
  ASSERT_OK(engine_->Commit(batch));
  const Result<std::vector<LogSegmentRow>> segments = ListLog(dir_, open_);
  ASSERT_OK(segments);
  ASSERT_GT(segments->size(), 1);
  EXPECT_EQ(segments->front().first, Version(1));
  EXPECT_TRUE(segments->front().sealed);
  EXPECT_FALSE(segments->back().sealed);
  Close();
  std::vector<LogRecordRow> records;
  ASSERT_OK(DumpLog(dir_, open_, [&](const LogRecordRow& row) {
    records.push_back(row);
    return Status::Ok();
  }));
  ASSERT_EQ(records.size(), 133);
  for (size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i].version, Version(i + 1));
  EXPECT_EQ(records[31].puts, 0);
  EXPECT_EQ(records[31].deletes, 1);
  EXPECT_EQ(records[132].puts, 1);
  EXPECT_EQ(records[132].deletes, 2);
  EXPECT_STATUS(DumpLog(dir_, open_, [](const LogRecordRow&) { return Status::NotFound("stop"); }),
                StatusCode::kNotFound, "stop");
  EXPECT_TRUE(VerifyLog(dir_, open_)->ok());

  std::fstream log(Path("wal/") + segments->front().segment, std::ios::in | std::ios::out | std::ios::binary);
  log.seekp(9000);
  log << "damage";
  log.close();
  whole_at_the_end_ = false;
  EXPECT_FALSE(VerifyLog(dir_, open_)->ok());
  records.clear();
  EXPECT_STATUS(DumpLog(dir_, open_,
                        [&](const LogRecordRow& row) {
                          records.push_back(row);
                          return Status::Ok();
                        }),
                StatusCode::kCorruption);
  EXPECT_FALSE(records.empty()) << "expected the rows before the damage";
  EXPECT_STATUS(Engine::Open(dir_, open_), StatusCode::kCorruption);
}

TEST_F(AdminTest, CheckNotesTheStateThatTheNextOpenRepairs) {
  Fill();
  Close();
  fs::create_directory(Path("snapshot-00000000000000000099.tmp"));
  fs::remove_all(Path("working"));
  const auto before = Listing({"LOCK", "views"});
  const Result<CheckReport> report = CheckStore(dir_, {.deep = true}, open_);
  ASSERT_OK(report);
  EXPECT_TRUE(report->ok());
  EXPECT_EQ(report->notes.size(), 2);
  EXPECT_EQ(Listing({"LOCK", "views"}), before);
  Open();
  EXPECT_FALSE(fs::exists(Path("snapshot-00000000000000000099.tmp")));
  Close();
  EXPECT_TRUE(CheckStore(dir_, {}, open_)->notes.empty());
}

TEST_F(AdminTest, LibraryAndFormatVersionsAreReported) {
  EXPECT_FALSE(LibraryVersion().empty());
  const FormatNumbers formats = SupportedFormats();
  for (const uint32_t number : {formats.store, formats.wal, formats.device, formats.snapshot})
    EXPECT_GE(number, 1);
}

}  // namespace
}  // namespace rawkv
