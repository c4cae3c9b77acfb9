#include "tests/fuzz/seeds.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/base64.h"
#include "base/check.h"
#include "engine/cache_api/cache_message.h"
#include "engine/control/control_message.h"
#include "engine/index/meta_record.h"
#include "engine/live/writer_status.h"
#include "snapshot/export_format.h"
#include "snapshot/manifest.h"
#include "tests/fuzz/seed_store.h"
#include "tests/fuzz/targets.h"
#include "tools/ctl/command_table.h"

namespace rawkv::fuzz {
namespace {

Sha256Digest AnyDigest() {
  return Sha256Of(AsBytes("any"));
}

// Adds encodings that the formats allow but no engine writes yet: state digests, increments.
void AddForeseen(Seeds& seeds) {
  seeds["meta_record"].push_back(EncodeMetaRecord({.applied = Version(9),
                                                   .lineage = Lineage(5),
                                                   .user_metadata = "m",
                                                   .digest = AnyDigest(),
                                                   .digest_state = std::string(2048, 's')}));
  seeds["snapshot_manifest"].push_back(
      EncodeManifest({.store_uuid = {},
                      .version = Version(9),
                      .lineage = Lineage(5),
                      .digest = AnyDigest(),
                      .files = {{.path = "index/1.sst", .size_bytes = 1, .checksum = std::string(8, 'c')}}}));
  const WriterStatus busy{.state = "rolling back",
                          .health = "ok",
                          .activities = {{.what = "replay", .done = 3, .total = 9}, {.what = "scrub"}}};
  seeds["writer_status"].push_back(EncodeWriterStatus({.pid = 7, .host = "h", .status = busy}, {}));
  seeds["control_request"].push_back(EncodeControlRequest(
      {.operation = ControlRequest::Operation::kPin, .name = "p", .number = 4, .settings = {}}));
  seeds["control_request"].push_back(
      EncodeControlRequest({.operation = ControlRequest::Operation::kChangeSettings,
                            .name = {},
                            .number = {},
                            .settings = {.keep_recent = 3, .undo_versions = 0}}));
  seeds["control_reply"].push_back(
      EncodeControlReply({.status = {}, .versions = {Version(4), Version(7)}, .settings = {}}));
  seeds["control_reply"].push_back(
      EncodeControlReply({.status = Status::Busy("b"), .versions = {}, .settings = {}}));
  seeds["cache_request"].push_back(
      EncodeCacheRequest({.operation = CacheRequest::Operation::kEvict, .text = "k", .bytes = 4096}));
  seeds["cache_reply"].push_back(
      EncodeCacheReply({.number = 3, .report = {.usage = {1, 2}, .pins = {{"k", "owner", 2}}}}));
  seeds["cache_options"].push_back(
      R"({"directory":"/c","slot_bytes":65536,"eviction":{"eviction_policy":"SIEVE"},"quotas":{"a":1}})");
  ExportManifest manifest{
      .chunk_bytes = kMinChunkBytes, .version = Version(9), .base = Version(3), .digest = AnyDigest()};
  ChunkWriter writer(kMinChunkBytes, [&](const ExportChunk& chunk, std::string_view file) {
    manifest.chunks.push_back(chunk);
    // The first two chunks are too large for the target; the others cover the same fields.
    if (file.size() <= FindTarget("export_chunk")->input_bytes_max) seeds["export_chunk"].emplace_back(file);
    return Status::Ok();
  });
  const std::string large(2 * kMinChunkBytes, 'l');  // is split over several chunks
  RAWKV_CHECK(writer.AddDeletion("gone").ok() && writer.BeginKey("large", large.size()).ok() &&
                  writer.AppendValue(AsBytes(large)).ok() && writer.AddDeletion("lost").ok() &&
                  writer.Finish().ok(),
              "an increment");
  manifest.key_count = 1;
  manifest.value_bytes = large.size();
  seeds["export_manifest"].push_back(EncodeExportManifest(manifest));
}

// A command line in the form that its target takes.
std::string Split(std::string_view words) {
  std::string args(words);
  std::replace(args.begin(), args.end(), ' ', '\0');
  return args;
}

void AddTyped(Seeds& seeds) {
  for (const ctl::Command& command : ctl::Commands()) {
    seeds["command_line"].push_back(Split(command.example.substr(command.example.find(' ') + 1)));
  }
  for (const char* const args :
       {"--store=S put --key_b64 aw== value", "--help put", "--version",
        "get --version=0x10 --noread_only -- -x", "put -- -k -v",
        "format --capacity=1GiB --slot-bytes 4K --initial_version=7 --force=false"}) {
    seeds["command_line"].push_back(Split(args));
  }
  seeds["change_line"] = {
      "{}",
      R"({"version":7,"put":[{"key":"k","value":"v"},{"key_b64":"AP8=","value_b64":"gA=="}],"delete":["a"]})",
      R"( {"delete":["k4",{"key_b64":"/w=="},{"key":"\u00e9\ud83d\ude00"}],"metadata":"height 2"} )",
      R"({"put":[{"key":"f","value_file":"/dev/null"}],"metadata_b64":"AAECAw=="})",
  };
  seeds["text"] = {"0",
                   "4096",
                   "4K",
                   "4KiB",
                   "1GiB",
                   "16777215T",
                   "18446744073709551615",
                   "AA==",
                   "AAE=",
                   "/+8=",
                   "",
                   EncodeBase64(std::string(100, '\x7f')),
                   "00000000000000000042.log",
                   "09223372036854775808.log",
                   R"(put 'a key' "a \"value\"" b\ c # comment)",
                   "01234567-89ab-4cde-8f01-23456789abcd"};
  const auto packed = [](char kind, char flags, char key, char value) {
    return std::string{kind, flags, 0, 0, key, 0, 0, 0, value, 0, 0, 0, 0, 0, 0, 0} +
           std::string(static_cast<size_t>(key + value), 'x');
  };
  seeds["batch_operations"] = {"", packed(1, 0, 1, 9), packed(1, 3, 4, 0), packed(2, 0, 100, 0),
                               packed(1, 1, 2, 2) + packed(2, 0, 1, 0) + packed(3, 0, 1, 1)};
  seeds["option_text"] = {"",
                          "capacity=64MiB inline_bytes=64\nsnapshot_interval=0",
                          " engine=auto\tdurability=synced queue_depth=1 cache=buffered",
                          "keep_tiers=3600/86400,86400/2592000 keep_recent=3",
                          "keep_tiers=0 history_bytes_max=1GiB log=none",
                          "device=/dev/null lock_wait_ms=18446744073709551615"};
  seeds["sealed_file"] = {Seal(kFuzzedKind, ""), Seal(kFuzzedKind, "payload"),
                          Seal(kFuzzedKind, std::string(512, 'p'))};
}

// What the drives of a virtual machine answer, without the fields that nobody reads.
void AddNvmeIdentify(Seeds& seeds) {
  std::string space(1 + 4096, '\0');
  space[0] = 0;
  space[1 + 2] = 0x20;       // 2^21 blocks
  space[1 + 25] = 7;         // formats, less one
  space[1 + 26] = 4;         // the one in use
  space[1 + 128 + 18] = 12;  // blocks of 4096 bytes
  std::string controller(1 + 4096, '\0');
  controller[0] = 1;
  controller.replace(1 + 24, 14, "QEMU NVMe Ctrl");
  controller[1 + 77] = 7;
  controller[1 + 520] = 0x5d;
  controller[1 + 525] = 7;
  std::string descriptors(1 + 64, '\0');
  descriptors[0] = 2;
  descriptors.replace(1, 4, std::string("\x03\x10\x00\x00", 4));  // a UUID
  descriptors.replace(1 + 20, 4, std::string("\x04\x01\x00\x00", 4));
  descriptors[1 + 24] = 2;
  seeds["nvme_identify"] = {space, controller, descriptors};
}

}  // namespace

Seeds MakeSeeds() {
  Seeds seeds;
  AddStoreSeeds(seeds);
  AddForeseen(seeds);
  AddTyped(seeds);
  AddNvmeIdentify(seeds);
  for (auto& [target, inputs] : seeds) {
    RAWKV_CHECK(FindTarget(target) != nullptr, "seeds are for a target");
    std::sort(inputs.begin(), inputs.end());
    inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  }
  return seeds;
}

std::vector<std::string> Regressions(const std::string& target) {
  const std::filesystem::path dir = std::filesystem::path(RAWKV_FUZZ_REGRESSIONS) / target;
  std::vector<std::string> inputs;
  if (!std::filesystem::exists(dir)) return inputs;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    std::ifstream in(entry.path(), std::ios::binary);
    RAWKV_CHECK(in.good(), entry.path().c_str());
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

}  // namespace rawkv::fuzz
