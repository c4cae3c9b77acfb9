// Compares the engine's small files with the hex dumps of their pages in docs/formats.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/byte_codec.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/endian.h"
#include "base/sealed_file.h"
#include "blockdev/checkpoint_header.h"
#include "engine/live/writer_status.h"
#include "engine/maintenance/scrub_state.h"
#include "engine/payload/extent_header.h"
#include "engine/recovery/rollback_marker.h"
#include "engine/store/store_file.h"
#include "engine/store/working_index.h"
#include "engine/undo/undo_record.h"
#include "tests/support/damage.h"
#include "tests/support/expect_status.h"

namespace rawkv {
namespace {

// The bytes of the hex dump of a page, which has only one.
std::string BytesOnPage(const std::string& page) {
  std::ifstream in(std::string(RAWKV_DOCS_DIR) + "/" + page);
  EXPECT_TRUE(in.good()) << page;
  std::string bytes, line;
  bool inside = false;
  while (std::getline(in, line)) {
    if (line.rfind("```", 0) == 0) {
      inside = !inside;
      continue;
    }
    if (!inside) continue;
    std::istringstream words(line);
    std::string word;
    words >> word;  // offset
    while (words >> word) bytes.push_back(static_cast<char>(std::strtoul(word.c_str(), nullptr, 16)));
  }
  return bytes;
}

Uuid UuidFrom(int first) {
  Uuid id;
  for (size_t i = 0; i < id.bytes.size(); ++i)
    id.bytes[i] = static_cast<std::byte>(static_cast<size_t>(first) + i);
  return id;
}

StoreRecord ExampleStore() {
  StoreRecord r;
  r.store_uuid = UuidFrom(0x10);
  r.device_uuid = UuidFrom(0x20);
  r.device_hint = "device.img";
  r.open_generation = 5;
  r.slot_bytes = 4096;
  r.inline_bytes = 1024;
  r.chain = LineageChain(
      {{Lineage(0x1111), Lineage(0), Version(0)}, {Lineage(0x2222), Lineage(0x1111), Version(7)}});
  r.last_cut = TailCut{Version(9), 640, 1700000000000};
  r.sequence = 12;
  r.closed_version = Version(11);
  r.layout = {.slot_bytes = 4096,
              .metadata_offset = 8192,
              .metadata_bytes = 16 << 20,
              .slots_offset = 8192 + (16 << 20),
              .slot_count = 258046};
  r.reuse_floor = Version(4);
  r.runtime.keep_for_seconds = 7 * 86400;
  return r;
}

// The page has an example of format 2, and the same store in format 1.
std::string StorePage(uint32_t format) {
  const std::string both = BytesOnPage("store.md");
  const size_t second = both.find("RKVSTORE", 1);
  EXPECT_NE(second, std::string::npos);
  return format == 2 ? both.substr(0, second) : both.substr(second);
}

// A store of format 1 opens: what the format lacks is absent.
TEST(FormatGolden, StoreOfFormatOne) {
  const std::string page = StorePage(1);
  ASSERT_OK_AND_ASSIGN(const StoreRecord decoded, DecodeStoreRecord(page));
  StoreRecord expected = ExampleStore();
  expected.sequence = 0;
  expected.closed_version.reset();
  expected.layout = {};
  expected.reuse_floor = Version();
  expected.runtime.keep_for_seconds = 0;
  EXPECT_EQ(EncodeStoreRecord(decoded), EncodeStoreRecord(expected));
  ExpectAllDamageIsCorruption(page,
                              [](const std::string& b) { return DecodeStoreRecord(b).status().code(); });
}

TEST(FormatGolden, Store) {
  const std::string page = StorePage(2);
  EXPECT_EQ(EncodeStoreRecord(ExampleStore()), page);
  ASSERT_OK_AND_ASSIGN(const StoreRecord decoded, DecodeStoreRecord(page));
  EXPECT_EQ(EncodeStoreRecord(decoded), page);
  EXPECT_EQ(decoded.chain.current(), Lineage(0x2222));
  EXPECT_EQ(decoded.last_cut->bytes, 640u);
  ExpectAllDamageIsCorruption(page,
                              [](const std::string& b) { return DecodeStoreRecord(b).status().code(); });
}

// A STORE with the default of undo_versions can be read by a rawkv that does not know the setting.
TEST(FormatGolden, StoreKeepsAnUndoWindowThatIsNotTheDefault) {
  StoreRecord record = ExampleStore();
  const std::string with_default = EncodeStoreRecord(record);
  record.runtime.undo_versions = 7;
  std::string file = EncodeStoreRecord(record);
  EXPECT_EQ(file.size(), with_default.size() + 8);
  ASSERT_OK_AND_ASSIGN(StoreRecord decoded, DecodeStoreRecord(file));
  EXPECT_EQ(decoded.runtime.undo_versions, 7u);
  EXPECT_EQ(EncodeStoreRecord(decoded), file);
  ExpectAllDamageIsCorruption(file,
                              [](const std::string& b) { return DecodeStoreRecord(b).status().code(); });
}

// A STORE whose listed settings have their defaults has no list.
TEST(FormatGolden, StoreListsSettingsThatAreNotTheDefault) {
  StoreRecord record = ExampleStore();
  const std::string with_defaults = EncodeStoreRecord(record);
  record.runtime.snapshot_log_bytes = 123;
  const std::string file = EncodeStoreRecord(record);
  EXPECT_EQ(file.size(), with_defaults.size() + 4 + 4 + 4 + 8);
  const Result<StoreRecord> decoded = DecodeStoreRecord(file);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->runtime, record.runtime);
  EXPECT_EQ(EncodeStoreRecord(*decoded), file);
  ExpectAllDamageIsCorruption(file,
                              [](const std::string& b) { return DecodeStoreRecord(b).status().code(); });
}

// An older rawkv had another default of snapshot_log_bytes, and so listed what is the default now.
TEST(FormatGolden, StoreMayListADefault) {
  constexpr SealedKind kKind{.magic = "RKVSTORE", .format = 2, .name = "STORE"};
  StoreRecord record = ExampleStore();
  record.runtime.snapshot_log_bytes = 123;
  Result<std::string> payload = Unseal(kKind, EncodeStoreRecord(record));
  ASSERT_TRUE(payload.ok());
  constexpr size_t kValue = 204;
  ByteWriter value;
  value.U64(RuntimeSettings().snapshot_log_bytes);
  payload->replace(kValue, value.str().size(), value.str());
  const Result<StoreRecord> decoded = DecodeStoreRecord(Seal(kKind, *payload));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->runtime, ExampleStore().runtime);
}

TEST(FormatGolden, StoreRefusesAListOfSettingsThatItWouldNotWrite) {
  constexpr SealedKind kKind{.magic = "RKVSTORE", .format = 2, .name = "STORE"};
  StoreRecord record = ExampleStore();
  record.runtime.snapshot_log_bytes = 123;
  const Result<std::string> payload = Unseal(kKind, EncodeStoreRecord(record));
  ASSERT_TRUE(payload.ok());
  const auto decode_with = [&](size_t at, char byte) {
    std::string changed = *payload;
    changed[at] = byte;
    return DecodeStoreRecord(Seal(kKind, changed)).status().code();
  };
  constexpr size_t kCount = 192, kNumber = 196, kLength = 200, kValue = 204;
  EXPECT_EQ(decode_with(kValue, 124), StatusCode::kOk);
  EXPECT_EQ(decode_with(kNumber, 0), StatusCode::kCorruption);
  EXPECT_EQ(decode_with(kNumber, 99), StatusCode::kNotSupported) << "a setting of a newer rawkv";
  EXPECT_EQ(decode_with(kCount, 0), StatusCode::kCorruption);
  EXPECT_EQ(decode_with(kCount, 2), StatusCode::kCorruption);
  EXPECT_EQ(decode_with(kLength, 7), StatusCode::kCorruption);
}

// Absent fields must be zero, so that one content has one encoding.
TEST(FormatGolden, StoreRefusesCutFieldsWithoutTheirFlag) {
  constexpr SealedKind kKind{.magic = "RKVSTORE", .format = 2, .name = "STORE"};
  ASSERT_OK_AND_ASSIGN(std::string payload, Unseal(kKind, EncodeStoreRecord(ExampleStore())));
  payload[100] = 4;  // flags: closed, but no cut
  EXPECT_EQ(DecodeStoreRecord(Seal(kKind, payload)).status().code(), StatusCode::kCorruption);
  payload.replace(104, 24, 24, '\0');  // cut after, bytes, time
  EXPECT_TRUE(DecodeStoreRecord(Seal(kKind, payload)).ok());
}

TEST(FormatGolden, Rollback) {
  const RollbackMarker marker{Version(20), Version(12), Version(10), Lineage(0x3333)};
  const std::string page = BytesOnPage("rollback.md");
  EXPECT_EQ(EncodeRollbackMarker(marker), page);
  ASSERT_OK_AND_ASSIGN(const RollbackMarker decoded, DecodeRollbackMarker(page));
  EXPECT_EQ(decoded, marker);
  ExpectAllDamageIsCorruption(page,
                              [](const std::string& b) { return DecodeRollbackMarker(b).status().code(); });
}

TEST(FormatGolden, RollbackRefusesImpossibleFields) {
  for (const RollbackMarker& m : {RollbackMarker{Version(9), Version(12), Version(1), Lineage(1)},
                                  RollbackMarker{Version(20), Version(12), Version(13), Lineage(1)},
                                  RollbackMarker{Next(kMaxVersion), Version(12), Version(10), Lineage(1)},
                                  RollbackMarker{Version(20), Version(12), Version(10), Lineage(0)}}) {
    EXPECT_EQ(DecodeRollbackMarker(EncodeRollbackMarker(m)).status().code(), StatusCode::kCorruption);
  }
}

UndoRecord ExampleUndo() {
  UndoRecord record{.lineage = Lineage(0x2222), .before = {}, .keys = {}};
  record.before.applied = Version(41);
  record.before.lineage = Lineage(0x1111);
  record.before.commit_time_unix_ms = 1700000000000;
  record.keys.push_back({"a", IndexEntry{Version(40), {.data = std::string("x"), .sha256 = {}}}});
  record.keys.push_back({"bc", std::nullopt});
  return record;
}

TEST(FormatGolden, UndoRecord) {
  const std::string page = BytesOnPage("undo-record.md");
  EXPECT_EQ(EncodeUndoRecord(ExampleUndo()), page);
  ASSERT_OK_AND_ASSIGN(const UndoRecord decoded, DecodeUndoRecord(AsBytes(page)));
  EXPECT_EQ(decoded, ExampleUndo());
}

TEST(FormatGolden, UndoRecordRefusesWhatItsEncoderCannotWrite) {
  const std::string page = BytesOnPage("undo-record.md");
  const size_t whole_keys[] = {page.size() - 10, page.size() - 10 - 19};  // the record ends after a key
  for (size_t length = 0; length < page.size(); ++length) {
    const bool whole = std::count(std::begin(whole_keys), std::end(whole_keys), length) != 0;
    EXPECT_EQ(DecodeUndoRecord(AsBytes(page).first(length)).ok(), whole) << length;
  }
  UndoRecord record = ExampleUndo();
  record.keys.front().key.clear();
  EXPECT_EQ(DecodeUndoRecord(AsBytes(EncodeUndoRecord(record))).status().code(), StatusCode::kCorruption);
  std::string newer = page;
  newer[0] = 2;
  EXPECT_EQ(DecodeUndoRecord(AsBytes(newer)).status().code(), StatusCode::kNotSupported);
}

TEST(FormatGolden, Base) {
  const std::string page = BytesOnPage("base.md");
  EXPECT_EQ(EncodeWorkingBase(Version(10), UuidFrom(0x10)), page);
  EXPECT_TRUE(CheckWorkingBase(page, UuidFrom(0x10)).ok());
  EXPECT_EQ(CheckWorkingBase(page, UuidFrom(0x11)).code(), StatusCode::kCorruption);
  ExpectAllDamageIsCorruption(
      page, [](const std::string& b) { return CheckWorkingBase(b, UuidFrom(0x10)).code(); });
}

TEST(FormatGolden, Scrub) {
  const ScrubState state{.pass = 3,
                         .started_unix_ms = 1700000000000,
                         .phase = ScrubPhase::kTip,
                         .version = Version(0),
                         .key = "block/17",
                         .bytes = 1 << 20,
                         .records = 40,
                         .snapshots = 2,
                         .payloads = 5,
                         .findings = 1,
                         .last_complete_unix_ms = 1690000000000};
  const Uuid store = UuidFrom(0x10);
  const std::string page = BytesOnPage("scrub.md");
  EXPECT_EQ(EncodeScrubState(state, store), page);
  ASSERT_OK_AND_ASSIGN(const ScrubState decoded, DecodeScrubState(page, store));
  EXPECT_EQ(decoded, state);
  EXPECT_EQ(DecodeScrubState(page, UuidFrom(0x11)).status().code(), StatusCode::kCorruption);
  ExpectAllDamageIsCorruption(
      page, [&](const std::string& b) { return DecodeScrubState(b, store).status().code(); });
}

TEST(FormatGolden, ScrubRefusesImpossibleFields) {
  const Uuid store = UuidFrom(0x10);
  ScrubState no_pass;
  no_pass.pass = 0;
  ScrubState no_phase;
  no_phase.phase = static_cast<ScrubPhase>(5);
  ScrubState long_key;
  long_key.key = std::string(64 * 1024 + 1, 'k');
  for (const ScrubState& state : {no_pass, no_phase, long_key}) {
    EXPECT_EQ(DecodeScrubState(EncodeScrubState(state, store), store).status().code(),
              StatusCode::kCorruption);
  }
  long_key.key.pop_back();
  EXPECT_TRUE(DecodeScrubState(EncodeScrubState(long_key, store), store).ok()) << "the longest key fits";
}

TEST(FormatGolden, Status) {
  const WriterInfo writer{.pid = 4711,
                          .host = "db1",
                          .status = WriterStatus{.unix_ms = 1700000001000,
                                                 .opened_unix_ms = 1700000000000,
                                                 .state = "open",
                                                 .health = "ok",
                                                 .engine_requested = "auto",
                                                 .engine_used = "posix",
                                                 .engine_reason = "no ring",
                                                 .durability = Durability::kUnsafeUnsynced,
                                                 .version = Version(40),
                                                 .durable_version = Version(38),
                                                 .slots_total = 1000,
                                                 .slots_free = 600,
                                                 .slots_available = 900,
                                                 .activities = {{.what = "scrub", .done = 4096}},
                                                 .stats = {.commits = 33,
                                                           .groups = 20,
                                                           .user_bytes_written = 5000,
                                                           .log_bytes_written = 9000,
                                                           .device_bytes_written = 409600,
                                                           .device_bytes_read = 8192,
                                                           .device_flushes = 21,
                                                           .gets = 7,
                                                           .snapshots_made = 2,
                                                           .slots_reclaimed = 300,
                                                           .versions_given_up = 5,
                                                           .index_flushes = 3,
                                                           .views_built = 4,
                                                           .views_shared = 6,
                                                           .replay_bytes_per_second = 30 << 20}}};
  const Uuid store = UuidFrom(0x10);
  const std::string page = BytesOnPage("status.md");
  EXPECT_EQ(EncodeWriterStatus(writer, store), page);
  ASSERT_OK_AND_ASSIGN(const WriterInfo decoded, DecodeWriterStatus(page, store));
  EXPECT_EQ(decoded.pid, writer.pid);
  EXPECT_EQ(decoded.host, writer.host);
  EXPECT_EQ(decoded.status, writer.status);
  EXPECT_EQ(DecodeWriterStatus(page, UuidFrom(0x11)).status().code(), StatusCode::kCorruption);
  ExpectAllDamageIsCorruption(
      page, [&](const std::string& b) { return DecodeWriterStatus(b, store).status().code(); });
}

TEST(FormatGolden, StatusWithCheckpoints) {
  WriterInfo writer{.pid = 4711, .host = "db1", .status = WriterStatus{.state = "open", .health = "ok"}};
  writer.status->stats.checkpoints_written = 3;
  writer.status->stats.checkpoints_failed = 2;
  writer.status->checkpoint_error = "the index needs more";
  const Uuid store = UuidFrom(0x10);
  ASSERT_OK_AND_ASSIGN(const WriterInfo decoded,
                       DecodeWriterStatus(EncodeWriterStatus(writer, store), store));
  EXPECT_EQ(decoded.status, writer.status);
}

TEST(FormatGolden, CheckpointHeader) {
  const CheckpointHeader header{.device_uuid = UuidFrom(0x20),
                                .store_uuid = UuidFrom(0x10),
                                .sequence = 7,
                                .owner_lineage = 0x0123456789abcdef,
                                .owner_version = 41,
                                .created_unix_ms = 1700000000000,
                                .records = 2,
                                .content_bytes = 4096,
                                .content_checksum = 0x1122334455667788};
  std::string page = BytesOnPage("checkpoint.md");
  page.resize(kCheckpointHeaderBytes, '\0');
  EXPECT_EQ(AsStringView(EncodeCheckpointHeader(header)), page);
  ASSERT_OK_AND_ASSIGN(const CheckpointHeader decoded, DecodeCheckpointHeader(AsBytes(page)));
  EXPECT_EQ(decoded, header);
  for (size_t i = 0; i < page.size(); ++i) {
    std::string damaged = page;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    const StatusCode expected = i < 8 ? StatusCode::kNotFound : StatusCode::kCorruption;
    EXPECT_EQ(DecodeCheckpointHeader(AsBytes(damaged)).status().code(), expected) << i;
  }
}

TEST(FormatGolden, StatusOfAnOlderWriterHasFewerFields) {
  constexpr SealedKind kKind{
      .magic = "RKVSTATS", .format = 1, .name = "STATUS", .max_payload_bytes = 64 * 1024};
  constexpr size_t kFlagsAt = 16, kCountersBytes = 15 * 8, kAvailableBytes = 8;
  const Uuid store = UuidFrom(0x10);
  std::string payload = *Unseal(kKind, BytesOnPage("status.md"));
  const auto decode = [&] { return DecodeWriterStatus(Seal(kKind, payload), store); };
  payload[kFlagsAt] = 1;
  EXPECT_EQ(decode().status().code(), StatusCode::kCorruption);
  payload.resize(payload.size() - kCountersBytes);
  const Result<WriterInfo> without_counters = decode();
  ASSERT_TRUE(without_counters.ok()) << without_counters.status().ToString();
  EXPECT_EQ(without_counters->status->slots_available, 900u);
  EXPECT_EQ(without_counters->status->stats, EngineStats{});
  payload[kFlagsAt] = 0;
  EXPECT_EQ(decode().status().code(), StatusCode::kCorruption);
  payload.resize(payload.size() - kAvailableBytes);
  const Result<WriterInfo> oldest = decode();
  ASSERT_TRUE(oldest.ok()) << oldest.status().ToString();
  EXPECT_EQ(oldest->status->slots_available, 600u) << "at least the free ones";
  payload[kFlagsAt] = 8;
  EXPECT_EQ(decode().status().code(), StatusCode::kNotSupported);
}

TEST(FormatGolden, StatusCutsLongTextsAndRefusesThem) {
  const Uuid store = UuidFrom(0x10);
  WriterInfo writer{.pid = 1, .host = std::string(5000, 'h'), .status = WriterStatus{}};
  ASSERT_OK_AND_ASSIGN(const WriterInfo decoded,
                       DecodeWriterStatus(EncodeWriterStatus(writer, store), store));
  EXPECT_EQ(decoded.host.size(), 4096u);
  writer = {.pid = 0, .host = "h", .status = WriterStatus{}};
  EXPECT_EQ(DecodeWriterStatus(EncodeWriterStatus(writer, store), store).status().code(),
            StatusCode::kCorruption);
}

TEST(FormatGolden, ExtentHeader) {
  const ExtentHeader header{.device_uuid = UuidFrom(0x20),
                            .first_slot = SlotId(3),
                            .write_id = WriteId((5ull << 40) | 1),
                            .value_bytes = 5000,
                            .payload_offset = 0,
                            .payload_bytes = 5000,
                            .extent_index = 0,
                            .extent_count = 1,
                            .checksums_hash = 0x1122334455667788,
                            .key = "block/1"};
  std::string page = BytesOnPage("extent-header.md");
  page.resize(4096, '\0');
  std::string encoded(4096, 'x');
  EncodeExtentHeader(header, AsWritableBytes(encoded));
  EXPECT_EQ(encoded, page);
  ASSERT_OK_AND_ASSIGN(const ExtentHeader decoded, DecodeExtentHeader(AsBytes(page)));
  EXPECT_EQ(decoded, header);
  ExpectAllDamageIsCorruption(
      page, [](const std::string& b) { return DecodeExtentHeader(AsBytes(b)).status().code(); });
}

// An extent header with byte `at` set to `value` and a correct checksum.
std::string ExtentHeaderWith(size_t at, char value) {
  std::string page = BytesOnPage("extent-header.md");
  page.resize(4096, '\0');
  page[at] = value;
  StoreLe(&page[8], Xxh3(AsBytes(page).subspan(16), LoadLe<uint64_t>(page.data())));
  return page;
}

TEST(FormatGolden, ExtentHeaderRefusesImpossibleFields) {
  EXPECT_TRUE(DecodeExtentHeader(AsBytes(ExtentHeaderWith(118, '2'))).ok());  // another key
  for (const size_t reserve : {92, 111, 119, 4095}) {
    EXPECT_EQ(DecodeExtentHeader(AsBytes(ExtentHeaderWith(reserve, 1))).status().code(),
              StatusCode::kCorruption)
        << reserve;
  }
  // With a shorter length the rest of the key would be in the reserve; a length of 0 is never valid.
  EXPECT_FALSE(DecodeExtentHeader(AsBytes(ExtentHeaderWith(88, 6))).ok());
  std::string keyless = BytesOnPage("extent-header.md").substr(0, kExtentHeaderFixedBytes);
  keyless.resize(4096, '\0');
  keyless[88] = 0;
  StoreLe(&keyless[8], Xxh3(AsBytes(keyless).subspan(16), LoadLe<uint64_t>(keyless.data())));
  EXPECT_EQ(DecodeExtentHeader(AsBytes(keyless)).status().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace rawkv
