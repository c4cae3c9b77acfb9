// The program that tests/nvme/run starts for power cuts of a drive: it writes random blocks by NVMe commands,
// flushes, and acknowledges each flush by a mark, a block in an area of its own. After a power cut it judges
// what is left: all that a flush covered must be there.
#include <linux/nvme_ioctl.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "blockdev/io_seams.h"

namespace rawkv {
namespace {

constexpr uint64_t kDataBlocks = 512;  // the marks follow; tests/nvme/run knows the place
constexpr uint64_t kSectorBytes = 512;
constexpr uint64_t kSectorsOfBlock = kBlockAlign / kSectorBytes;

// One round: blocks that are written, and whether a flush follows.
struct Round {
  struct Write {
    uint64_t first = 0;
    uint64_t count = 0;
  };
  std::vector<Write> writes;
  bool flush = false;
};

// The same for the writer and the judge.
std::vector<Round> MakePlan(uint64_t seed, uint64_t rounds) {
  std::mt19937_64 random(seed);
  std::vector<Round> plan(rounds);
  for (Round& round : plan) {
    std::set<uint64_t> used;
    const uint64_t writes = 1 + random() % 8;
    for (uint64_t i = 0; i < writes; ++i) {
      const uint64_t count = 1 + random() % 6;
      const uint64_t first = random() % (kDataBlocks - count);
      // A drive may order two writes of one round as it likes, so that they must not overlap.
      if (auto it = used.lower_bound(first); it != used.end() && *it < first + count) continue;
      for (uint64_t block = first; block < first + count; ++block) used.insert(block);
      round.writes.push_back({.first = first, .count = count});
    }
    round.flush = random() % 4 != 0;
  }
  return plan;
}

// Each word of a sector names the round and the sector, so that a part of another sector is detected.
uint64_t WordOf(uint64_t round, uint64_t sector) {
  return round << 32 | sector;
}

void FillBlocks(Bytes out, uint64_t round, uint64_t first_block) {
  for (uint64_t at = 0; at < out.size(); at += sizeof(uint64_t)) {
    const uint64_t word = WordOf(round, first_block * kSectorsOfBlock + at / kSectorBytes);
    std::memcpy(out.data() + at, &word, sizeof(word));
  }
}

// Acknowledges flushes without doing them.
class LyingIo final : public RawIo {
 public:
  int64_t NvmeIo(int fd, const nvme_uring_cmd& command) override {
    constexpr uint8_t kFlush = 0;
    return command.opcode == kFlush ? 0 : RawIo::NvmeIo(fd, command);
  }
};

Status WriteRound(BlockDevice& device, const Round& round, uint64_t number) {
  std::vector<AlignedBuffer> memory;
  std::vector<IoRequest> batch;
  for (const Round::Write& write : round.writes) {
    memory.emplace_back(write.count * kBlockAlign);
    FillBlocks(memory.back().bytes(), number, write.first);
    batch.push_back({.kind = IoKind::kWrite,
                     .offset = DeviceOffset(write.first * kBlockAlign),
                     .buffer = memory.back().bytes()});
  }
  return device.Submit(batch);
}

Status Work(const std::string& node, uint64_t seed, uint64_t rounds, bool lie) {
  IoSeams seams;
  if (lie) seams.raw = std::make_shared<LyingIo>();
  RAWKV_ASSIGN_OR_RETURN(
      OpenedDevice opened,
      OpenBlockDevice(node, {.engine = IoEngine::kNvme, .queue_depth = 8}, std::move(seams)));
  AlignedBuffer mark(kBlockAlign);
  uint64_t number = 0;
  for (const Round& round : MakePlan(seed, rounds)) {
    ++number;
    RAWKV_RETURN_IF_ERROR(WriteRound(*opened.device, round, number));
    if (!round.flush) continue;
    RAWKV_RETURN_IF_ERROR(opened.device->Flush());
    std::memset(mark.data(), 0, mark.size());
    const std::string text = std::to_string(number);
    std::memcpy(mark.data(), text.data(), text.size());
    RAWKV_RETURN_IF_ERROR(opened.device->Write(DeviceOffset(kDataBlocks * kBlockAlign), mark.bytes()));
  }
  return Status::Ok();
}

// `acknowledged` is the last round whose flush was acknowledged; 0: none.
Status Judge(const std::string& image, uint64_t seed, uint64_t rounds, uint64_t acknowledged) {
  std::ifstream in(image, std::ios::binary);
  std::string content(kDataBlocks * kBlockAlign, '\0');
  if (!in.read(content.data(), static_cast<std::streamsize>(content.size()))) {
    return Status::IoError(image + ": cannot be read");
  }
  // For each block: the last round that a flush covered, and the rounds after it.
  std::vector<std::set<uint64_t>> allowed(kDataBlocks, {0});
  uint64_t number = 0;
  for (const Round& round : MakePlan(seed, rounds)) {
    ++number;
    for (const Round::Write& write : round.writes) {
      for (uint64_t block = write.first; block < write.first + write.count; ++block) {
        if (number <= acknowledged) allowed[block].clear();
        allowed[block].insert(number);
      }
    }
  }
  for (uint64_t sector = 0; sector < kDataBlocks * kSectorsOfBlock; ++sector) {
    uint64_t word = 0;
    const char* const at = content.data() + sector * kSectorBytes;
    std::memcpy(&word, at, sizeof(word));
    const uint64_t found = word >> 32;
    const std::string place = "sector " + std::to_string(sector) + " holds round " + std::to_string(found) +
                              ", acknowledged is " + std::to_string(acknowledged);
    if (allowed[sector / kSectorsOfBlock].count(found) == 0)
      return Status::Corruption(place + ": it was lost");
    const uint64_t expected = word == 0 ? 0 : WordOf(found, sector);
    for (uint64_t i = 0; i < kSectorBytes; i += sizeof(word)) {
      std::memcpy(&word, at + i, sizeof(word));
      if (word != expected) return Status::Corruption(place + ": it has other bytes");
    }
  }
  return Status::Ok();
}

int Main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  const auto number = [argv](int index) { return std::strtoull(argv[index], nullptr, 10); };
  Status status = Status::InvalidArgument(
      "usage: nvme_flush_program work NODE SEED ROUNDS [lie] | judge IMAGE SEED ROUNDS MARK");
  if (verb == "work" && (argc == 5 || argc == 6)) status = Work(argv[2], number(3), number(4), argc == 6);
  if (verb == "judge" && argc == 6) status = Judge(argv[2], number(3), number(4), number(5));
  if (!status.ok()) std::printf("nvme: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace rawkv

int main(int argc, char** argv) {
  return rawkv::Main(argc, argv);
}
