#include "tests/wal/wal_fixture.h"

#include <filesystem>
#include <fstream>

namespace rawkv {

LogFixture::LogFixture(Version initial)
    : chain_({{.id = kFirstBranch, .parent = Lineage(0), .fork = initial}}) {}

WalContext LogFixture::Context(Fs& fs) const {
  WalContext context{.fs = &fs, .dir = dir(), .store_uuid = {}, .chain = chain_};
  for (size_t i = 0; i < context.store_uuid.bytes.size(); ++i) {
    context.store_uuid.bytes[i] = static_cast<std::byte>(i + 1);
  }
  return context;
}

Result<LogScan> LogFixture::Scan(Version proven) const {
  return ScanLog(Context(), Version(0), proven);
}

Result<std::unique_ptr<Wal>> LogFixture::Open(Fs& fs, const WalOptions& options) const {
  RAWKV_ASSIGN_OR_RETURN(const LogScan scan, Scan());
  return Wal::Open(Context(fs), options, scan, scan.last);
}

Result<std::vector<TestRecord>> LogFixture::Read(Version from, Version to) const {
  std::vector<TestRecord> records;
  RAWKV_RETURN_IF_ERROR(ReadLog(Context(), from, to, [&](const LogRecord& record) {
    records.push_back({.version = record.head.version,
                       .lineage = record.head.lineage,
                       .time_unix_ms = record.head.time_unix_ms,
                       .body = std::string(AsStringView(record.body))});
    return Status::Ok();
  }));
  return records;
}

std::vector<Version> LogFixture::SegmentVersions() const {
  std::vector<Version> versions;
  for (const auto& [name, content] : Save()) {
    if (const auto version = ParseSegmentName(name)) versions.push_back(*version);
  }
  return versions;
}

LogImage LogFixture::Save() const {
  LogImage image;
  for (const auto& entry : std::filesystem::directory_iterator(dir())) {
    std::ifstream in(entry.path(), std::ios::binary);
    image[entry.path().filename()] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return image;
}

void LogFixture::Restore(const LogImage& image) const {
  for (const auto& entry : std::filesystem::directory_iterator(dir())) {
    if (!image.contains(entry.path().filename())) std::filesystem::remove(entry.path());
  }
  // Writes in place: some filesystems flush a file at close if it was truncated to zero bytes before.
  for (const auto& [name, content] : image) {
    const auto file = PosixFs().Open(JoinPath(dir(), name), OpenMode::kCreate);
    RAWKV_CHECK(
        file.ok() && (*file)->WriteAt(0, AsBytes(content)).ok() && (*file)->Truncate(content.size()).ok(),
        "the image cannot be restored");
  }
}

TestRecord MakeRecord(Version version, Lineage lineage, size_t body_bytes, uint64_t salt) {
  TestRecord record{.version = version,
                    .lineage = lineage,
                    .time_unix_ms = 1'700'000'000'000 + version.value(),
                    .body = std::string(body_bytes, '\0')};
  std::mt19937_64 random(version.value() * 1'000'003 + lineage.value() * 7919 + salt);
  for (char& c : record.body) c = static_cast<char>(random());
  return record;
}

Status AppendGroup(Wal& wal, const std::vector<TestRecord>& records, Version durable_through) {
  std::vector<PendingRecord> group;
  group.reserve(records.size());
  for (const TestRecord& record : records) {
    group.push_back(
        {.version = record.version, .time_unix_ms = record.time_unix_ms, .body = AsBytes(record.body)});
  }
  RAWKV_RETURN_IF_ERROR(wal.PrepareSpace(Wal::FramedBytes(group)));
  return wal.Append(group, records.front().lineage, durable_through);
}

Status AppendSynced(Wal& wal, const std::vector<TestRecord>& records) {
  for (const TestRecord& record : records) {
    RAWKV_RETURN_IF_ERROR(AppendGroup(wal, {record}, Previous(record.version)));
    RAWKV_RETURN_IF_ERROR(wal.Sync());
  }
  return {};
}

}  // namespace rawkv
