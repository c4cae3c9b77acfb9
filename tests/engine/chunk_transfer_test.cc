// An export that is sent in chunks, and the directory that collects them.

#include "engine/transfer/chunk_transfer.h"

#include <filesystem>
#include <fstream>

#include "base/fs_ops.h"
#include "base/sha256.h"
#include "engine/transfer/transfer.h"
#include "snapshot/export_format.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/flip_byte.h"

namespace rawkv {
namespace {

namespace fs = std::filesystem;

class ChunkTransfer : public EngineTest {
 protected:
  void SetUp() override {
    testing::Test::SetUp();
    FormatAndOpen();
    for (uint64_t i = 0; i < 5; ++i) Put("k" + std::to_string(i), MakeValue({i, 900 * kKiB}));
    ASSERT_OK(Export("sent", kMiB));
    ASSERT_OK_AND_ASSIGN(reader_, ExportReader::Open(tmp_.File("sent")));
    chunks_.resize(reader_->summary().chunk_count);
    for (uint64_t i = 0; i < chunks_.size(); ++i) {
      chunks_[i].resize(reader_->summary().chunk_bytes_max);
      ASSERT_OK_AND_ASSIGN(const uint64_t bytes, reader_->Read(i, AsWritableBytes(chunks_[i])));
      chunks_[i].resize(bytes);
    }
    ASSERT_GE(chunks_.size(), 5u);
  }
  Status Export(const std::string& to, uint64_t chunk_bytes) {
    return engine_->Export(
        {.version = engine_->version(), .out = tmp_.File(to), .chunk_bytes = chunk_bytes, .progress = {}});
  }
  Result<std::unique_ptr<ExportReceiver>> Receive() {
    return ExportReceiver::Open(tmp_.File("got"), reader_->summary().hash);
  }
  Status Add(ExportReceiver& receiver, uint64_t number) {
    return receiver.Add(number, AsBytes(chunks_[number]));
  }
  Status AddAll(ExportReceiver& receiver) {
    for (uint64_t i = 0; i < chunks_.size(); ++i) RAWKV_RETURN_IF_ERROR(Add(receiver, i));
    return Status::Ok();
  }
  bool HasFile(const std::string& name) { return fs::exists(tmp_.File("got/" + name)); }

  std::unique_ptr<ExportReader> reader_;
  std::vector<std::string> chunks_;
};

TEST_F(ChunkTransfer, TheHashIsThatOfTheManifest) {
  const Sha256Digest hash = Sha256Of(AsBytes(chunks_[0]));
  EXPECT_EQ(reader_->summary().hash, hash);
  EXPECT_EQ(reader_->summary().version, engine_->version());
  uint64_t bytes = 0;
  for (const std::string& chunk : chunks_) bytes += chunk.size();
  EXPECT_EQ(reader_->summary().bytes, bytes);
}

TEST_F(ChunkTransfer, ReceivedChunksAreTheExportWithoutItsOrigin) {
  ASSERT_OK_AND_ASSIGN(const auto receiver, Receive());
  ASSERT_OK(AddAll(*receiver));
  EXPECT_TRUE(receiver->complete());
  std::vector<std::string> names;
  for (const auto& file : fs::directory_iterator(tmp_.File("got"))) {
    names.push_back(file.path().filename());
    EXPECT_EQ(*ReadFile(PosixFs(), file.path(), 64 * kMiB),
              *ReadFile(PosixFs(), tmp_.File("sent/" + names.back()), 64 * kMiB));
  }
  EXPECT_EQ(names.size(), chunks_.size());
  FormatOptions format;
  format.capacity_bytes = 64 * kMiB;
  format.env.logger = &logger_;
  ASSERT_OK(ImportStore(tmp_.File("copy"), {.in = tmp_.File("got"), .format = format, .progress = {}}));
  ASSERT_OK_AND_ASSIGN(const auto copy, Engine::Open(tmp_.File("copy"), open_));
  EXPECT_EQ(copy->version(), engine_->version());
  EXPECT_EQ(DiffValue({4, 900 * kKiB}, copy->Get("k4")->bytes), "");
}

TEST_F(ChunkTransfer, WrongChunkIsRefusedByItsNumberAndNotKept) {
  ASSERT_OK_AND_ASSIGN(const auto receiver, Receive());
  EXPECT_STATUS(receiver->Add(0, AsBytes(chunks_[1])), StatusCode::kCorruption, "chunk 0");
  EXPECT_STATUS(Add(*receiver, 1), StatusCode::kFailedPrecondition, "chunk 1");
  ASSERT_OK(Add(*receiver, 0));
  for (uint64_t i = 1; i < chunks_.size(); ++i) {
    std::string wrong = chunks_[i];
    wrong[wrong.size() / 2] ^= 1;
    EXPECT_STATUS(receiver->Add(i, AsBytes(wrong)), StatusCode::kCorruption, "chunk " + std::to_string(i));
    wrong = chunks_[i].substr(1);
    EXPECT_STATUS(receiver->Add(i, AsBytes(wrong)), StatusCode::kCorruption, "chunk " + std::to_string(i));
    EXPECT_STATUS(receiver->Add(i, AsBytes(chunks_[i == 1 ? 2 : 1])), StatusCode::kCorruption,
                  "chunk " + std::to_string(i));
  }
  EXPECT_STATUS(receiver->Add(chunks_.size(), AsBytes(chunks_[1])), StatusCode::kInvalidArgument);
  EXPECT_STATUS(receiver->Add(1, ConstBytes(AsBytes(std::string(kMaxTransferChunkBytes + 1, 'x')))),
                StatusCode::kInvalidArgument, "chunk 1");
  EXPECT_EQ(receiver->Missing(100).size(), chunks_.size() - 1);
  EXPECT_FALSE(HasFile("chunk-00000000"));
}

TEST_F(ChunkTransfer, ReceiptContinuesAfterAClose) {
  {
    ASSERT_OK_AND_ASSIGN(const auto receiver, Receive());
    EXPECT_EQ(receiver->Missing(100), std::vector<uint64_t>{0});
    EXPECT_STATUS(Receive(), StatusCode::kBusy);
    ASSERT_OK(Add(*receiver, 0));
    ASSERT_OK(Add(*receiver, 3));
    ASSERT_OK(Add(*receiver, 1));
  }
  EXPECT_STATUS(ImportStore(tmp_.File("copy"), {.in = tmp_.File("got"), .format = {}, .progress = {}}),
                StatusCode::kFailedPrecondition, "no export here");
  FlipByte(tmp_.File("got/chunk-00000002"), 1000);
  std::ofstream(tmp_.File("got/MANIFEST.received.tmp")) << "half";
  ASSERT_OK_AND_ASSIGN(const auto receiver, Receive());
  EXPECT_EQ(receiver->Missing(2), (std::vector<uint64_t>{2, 3}));
  EXPECT_FALSE(HasFile("chunk-00000002"));
  EXPECT_FALSE(HasFile("MANIFEST.received.tmp"));
  ASSERT_OK(AddAll(*receiver));
  EXPECT_TRUE(receiver->complete());
  EXPECT_FALSE(HasFile("RECEIVING"));
}

TEST_F(ChunkTransfer, AnotherExportBeginsAgain) {
  {
    ASSERT_OK_AND_ASSIGN(const auto receiver, Receive());
    ASSERT_OK(Add(*receiver, 0));
    ASSERT_OK(Add(*receiver, 1));
  }
  std::array<std::byte, 32> other{};
  {
    ASSERT_OK_AND_ASSIGN(const auto receiver, ExportReceiver::Open(tmp_.File("got"), other));
    EXPECT_EQ(receiver->Missing(100), std::vector<uint64_t>{0});
    EXPECT_FALSE(HasFile("chunk-00000000"));
    EXPECT_FALSE(HasFile("MANIFEST.received"));
  }
  ASSERT_OK_AND_ASSIGN(const auto receiver, Receive());
  ASSERT_OK(AddAll(*receiver));
  EXPECT_TRUE(receiver->complete());
}

TEST_F(ChunkTransfer, FinishedReceiptIsComplete) {
  {
    ASSERT_OK_AND_ASSIGN(const auto receiver, Receive());
    ASSERT_OK(AddAll(*receiver));
  }
  {
    ASSERT_OK_AND_ASSIGN(const auto receiver, Receive());
    EXPECT_TRUE(receiver->complete());
    EXPECT_TRUE(receiver->Missing(100).empty());
    ASSERT_OK(Add(*receiver, 2));
  }
  // A crash before the mark was removed.
  std::ofstream(tmp_.File("got/RECEIVING")).flush();
  FlipByte(tmp_.File("got/chunk-00000001"), 1000);
  ASSERT_OK_AND_ASSIGN(const auto receiver, Receive());
  EXPECT_FALSE(receiver->complete());
  EXPECT_FALSE(HasFile("MANIFEST"));
  EXPECT_EQ(receiver->Missing(100), std::vector<uint64_t>{2});
  ASSERT_OK(Add(*receiver, 2));
  EXPECT_TRUE(receiver->complete());
  EXPECT_TRUE(HasFile("MANIFEST"));
}

TEST_F(ChunkTransfer, RefusesADirectoryOfSomebodyElse) {
  fs::create_directory(tmp_.File("got"));
  std::ofstream(tmp_.File("got/file")) << "x";
  EXPECT_STATUS(Receive(), StatusCode::kFailedPrecondition, "not empty");
  EXPECT_TRUE(HasFile("file"));
  EXPECT_FALSE(HasFile("RECEIVING"));
}

TEST_F(ChunkTransfer, EmptyVersionIsItsManifestAlone) {
  WriteBatch all;
  all.DeletePrefix("");
  ASSERT_OK(engine_->Commit(all).status);
  ASSERT_OK(Export("empty", kMiB));
  ASSERT_OK_AND_ASSIGN(const auto reader, ExportReader::Open(tmp_.File("empty")));
  ASSERT_EQ(reader->summary().chunk_count, 1u);
  std::string manifest(reader->summary().chunk_bytes_max, '\0');
  ASSERT_OK(reader->Read(0, AsWritableBytes(manifest)));
  ASSERT_OK_AND_ASSIGN(const auto receiver, ExportReceiver::Open(tmp_.File("got"), reader->summary().hash));
  ASSERT_OK(receiver->Add(0, AsBytes(manifest)));
  EXPECT_TRUE(receiver->complete());
}

TEST_F(ChunkTransfer, ReaderRefusesDamageAndChunksThatAreTooLarge) {
  std::string out(reader_->summary().chunk_bytes_max, '\0');
  EXPECT_STATUS(reader_->Read(chunks_.size(), AsWritableBytes(out)), StatusCode::kInvalidArgument);
  EXPECT_STATUS(reader_->Read(1, AsWritableBytes(out).first(10)), StatusCode::kInvalidArgument, "10");
  FlipByte(tmp_.File("sent/chunk-00000001"), 500);
  EXPECT_STATUS(reader_->Read(2, AsWritableBytes(out)), StatusCode::kCorruption, "chunk-00000001");
  fs::remove(tmp_.File("sent/chunk-00000001"));
  EXPECT_STATUS(reader_->Read(2, AsWritableBytes(out)), StatusCode::kCorruption, "missing");
  for (uint64_t i = 0; i < 13; ++i) Put("more" + std::to_string(i), MakeValue({i, kMiB}));
  ASSERT_OK(Export("large", 16 * kMiB));
  EXPECT_STATUS(ExportReader::Open(tmp_.File("large")), StatusCode::kNotSupported, "another chunk size");
  EXPECT_STATUS(ExportReader::Open(tmp_.File("none")), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace rawkv
