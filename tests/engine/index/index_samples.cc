#include "tests/engine/index/index_samples.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/sha256.h"
#include "tests/support/expect_status.h"

namespace rawkv {

IndexEntry InlineEntry(uint64_t version, std::string value) {
  return {.written_by = Version(version), .value = {.data = std::move(value), .sha256 = {}}};
}

IndexEntry PayloadEntry(uint64_t version, uint64_t first_slot, uint64_t length) {
  PayloadRef ref;
  ref.extents = {{SlotId(first_slot), SlotCount((length + 4095) / 4096)}};
  ref.write_id = WriteId((uint64_t{3} << 40) | version);
  ref.length = length;
  for (uint64_t at = 0; at < length; at += kPayloadChunkBytes) ref.chunk_checksums.push_back(at + 1);
  return {.written_by = Version(version), .value = {.data = std::move(ref), .sha256 = {}}};
}

MetaRecord MetaAt(uint64_t version) {
  MetaRecord meta;
  meta.applied = Version(version);
  meta.lineage = Lineage(7);
  return meta;
}

DeferredFree Deferred(uint64_t first, uint64_t count, uint64_t born, uint64_t freed) {
  return {.extent = {SlotId(first), SlotCount(count)}, .born = Version(born), .freed = Version(freed)};
}

std::unique_ptr<KeyIndex> OpenOrFail(const KeyIndexOptions& options) {
  Result<std::unique_ptr<KeyIndex>> index = KeyIndex::Open(options);
  EXPECT_OK(index);
  return index.ok() ? std::move(*index) : nullptr;
}

std::unique_ptr<KeyIndex> CreateIndex(const std::string& dir) {
  return OpenOrFail({.dir = dir, .create = true, .fs = nullptr});
}

std::unique_ptr<KeyIndex> OpenReadOnly(const std::string& dir) {
  return OpenOrFail({.dir = dir, .read_only = true, .fs = nullptr});
}

void Commit(KeyIndex& index, uint64_t version, std::string_view key, std::string value) {
  const std::unique_ptr<IndexBatch> batch = index.NewBatch();
  batch->PutEntry(key, InlineEntry(version, std::move(value)));
  batch->PutMeta(MetaAt(version));
  ASSERT_OK(index.Apply(*batch));
}

void Flush(KeyIndex& index) {
  Status status = index.StartFlush();
  ASSERT_OK(status);
  status = index.WaitFlush();
  ASSERT_OK(status);
}

uint64_t AppliedVersion(KeyIndex& index) {
  const Result<MetaRecord> meta = index.Meta();
  EXPECT_OK(meta);
  return meta.ok() ? meta->applied.value() : UINT64_MAX;
}

std::vector<std::string> FilesIn(const std::string& dir, std::string_view suffix) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    std::string name = entry.path().filename();
    if (name.ends_with(suffix)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string FileContent(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> Fingerprint(const std::string& dir) {
  std::vector<std::string> lines;
  const auto add = [&lines](const std::string& path) {
    struct stat st = {};
    EXPECT_EQ(::stat(path.c_str(), &st), 0) << path;
    lines.push_back(path + " " + std::to_string(st.st_size) + " " + std::to_string(st.st_ino) + " " +
                    std::to_string(st.st_mtim.tv_sec) + "." + std::to_string(st.st_mtim.tv_nsec));
  };
  add(dir);
  for (const std::string& name : FilesIn(dir, "")) add(dir + "/" + name);
  return lines;
}

std::string HexOf(std::string_view bytes) {
  return ToHex(AsBytes(bytes));
}

std::string FromHex(std::string_view hex) {
  std::string digits;
  for (const char c : hex) {
    if (c != ' ' && c != '\n') digits.push_back(c);
  }
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

void ExpectStrictDecoding(const std::string& encoded,
                          const std::function<std::unique_ptr<std::string>(const std::string&)>& reencode) {
  const auto check = [&](const std::string& bytes, const std::string& what) {
    const std::unique_ptr<std::string> again = reencode(bytes);
    if (again != nullptr) {
      EXPECT_EQ(HexOf(*again), HexOf(bytes)) << what;
    }
  };
  for (size_t length = 0; length < encoded.size(); ++length) {
    check(encoded.substr(0, length), "cut to " + std::to_string(length));
  }
  check(encoded + '\0', "a byte too many");
  check(encoded + encoded, "twice");
  for (size_t at = 0; at < encoded.size(); ++at) {
    for (const int change : {0x01, 0x02, 0x80, 0xff}) {
      std::string damaged = encoded;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      check(damaged, "byte " + std::to_string(at) + " changed by " + std::to_string(change));
    }
  }
}

}  // namespace rawkv
