#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/endian.h"
#include "blockdev/superblock.h"
#include "tests/blockdev/memory_device.h"

namespace rawkv {
namespace {

constexpr uint64_t kCapacity = 1 << 20;

class SuperblockStoreTest : public testing::Test {
 protected:
  SuperblockStoreTest() {
    superblock.device_uuid = *Uuid::Parse("00112233-4455-6677-8899-aabbccddeeff");
    superblock.store_uuid = *Uuid::Parse("f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f");
    superblock.layout = *PlanLayout(kCapacity, 4096, 0);
  }

  void Put(int copy, const Superblock& value) {
    const auto block = EncodeSuperblock(value);
    std::copy(block.begin(), block.end(), device.bytes().begin() + copy * 4096);
  }
  void Damage(int copy) { device.bytes()[copy * 4096 + 100] ^= std::byte{1}; }
  void SaveFloor(uint64_t floor) {
    superblock.owner_reuse_floor = floor;
    ASSERT_TRUE(store.Save(superblock).ok());
  }

  MemoryDevice device{kCapacity};
  SuperblockStore store{device};
  Superblock superblock;
};

TEST_F(SuperblockStoreTest, IsNotFoundOnABlankDevice) {
  EXPECT_EQ(store.Load().status().code(), StatusCode::kNotFound);
  EXPECT_EQ(store.Save(superblock).code(), StatusCode::kNotFound);
  MemoryDevice tiny(4096);
  EXPECT_EQ(SuperblockStore(tiny).Load().status().code(), StatusCode::kNotFound);
}

TEST_F(SuperblockStoreTest, InitialiseWritesBothCopies) {
  ASSERT_TRUE(store.Initialise(superblock).ok());
  EXPECT_EQ(device.counters().flushes, 2u);
  const auto pair = store.Inspect();
  ASSERT_TRUE(pair.ok());
  EXPECT_EQ(pair->copy[0]->sequence, 1u);
  EXPECT_EQ(pair->copy[1]->sequence, 2u);
  EXPECT_EQ(store.Load()->sequence, 2u);
}

TEST_F(SuperblockStoreTest, SaveReplacesBothCopiesAndCountsUp) {
  ASSERT_TRUE(store.Initialise(superblock).ok());
  for (uint64_t i = 0; i < 5; ++i) {
    SaveFloor(i);
    const auto pair = store.Inspect();
    EXPECT_EQ(pair->copy[0]->sequence, 3 + 2 * i);
    EXPECT_EQ(pair->copy[1]->sequence, 4 + 2 * i);
    EXPECT_EQ(pair->copy[0]->owner_reuse_floor, i);
    EXPECT_EQ(pair->copy[1]->owner_reuse_floor, i);
  }
}

TEST_F(SuperblockStoreTest, SavedContentSurvivesTheLossOfEitherCopy) {
  ASSERT_TRUE(store.Initialise(superblock).ok());
  for (const int lost : {0, 1}) {
    SaveFloor(10 + static_cast<uint64_t>(lost));
    Damage(lost);
    EXPECT_EQ(store.Load()->owner_reuse_floor, 10 + static_cast<uint64_t>(lost));
  }
}

TEST_F(SuperblockStoreTest, TornSaveLeavesTheOldContent) {
  ASSERT_TRUE(store.Initialise(superblock).ok());
  SaveFloor(10);
  for (const size_t arrived : {1, 9, 25, 64}) {
    device.TearWritesAfter(arrived);
    superblock.owner_reuse_floor = 99;
    EXPECT_EQ(store.Save(superblock).code(), StatusCode::kIoError);
    const auto loaded = store.Load();
    ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
    EXPECT_EQ(loaded->owner_reuse_floor, 10u);
  }
}

TEST_F(SuperblockStoreTest, OneDamagedOrUnreadableCopyLosesNothing) {
  ASSERT_TRUE(store.Initialise(superblock).ok());
  Damage(1);
  EXPECT_EQ(store.Load()->sequence, 1u);
  EXPECT_EQ(store.Inspect()->status[1].code(), StatusCode::kCorruption);
  SaveFloor(5);  // rewrites the damaged copy
  EXPECT_TRUE(store.Inspect()->status[1].ok());
  device.MakeUnreadable(0);
  EXPECT_EQ(store.Load()->owner_reuse_floor, 5u);
  EXPECT_EQ(store.Inspect()->status[0].code(), StatusCode::kIoError);
}

TEST_F(SuperblockStoreTest, TwoDamagedCopiesAreCorruption) {
  ASSERT_TRUE(store.Initialise(superblock).ok());
  Damage(0);
  Damage(1);
  const Status status = store.Load().status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("superblock A of memory"), std::string::npos) << status.message();
  EXPECT_EQ(store.Save(superblock).code(), StatusCode::kCorruption);
}

TEST_F(SuperblockStoreTest, DamagedCopyNextToABlankOneIsCorruption) {
  ASSERT_TRUE(store.Initialise(superblock).ok());
  std::fill_n(device.bytes().begin(), 4096, std::byte{0});
  Damage(1);
  EXPECT_EQ(store.Load().status().code(), StatusCode::kCorruption);
}

TEST_F(SuperblockStoreTest, NewerFormatCopyForbidsTheOlderOne) {
  ASSERT_TRUE(store.Initialise(superblock).ok());
  std::byte* const block = device.bytes().data();
  StoreLe<uint32_t>(block + 8, kDeviceFormat + 1);
  StoreLe<uint64_t>(block + 16, 0);
  StoreLe<uint64_t>(block + 16, Xxh3({block, kSuperblockBytes}));
  EXPECT_EQ(store.Load().status().code(), StatusCode::kNotSupported);
  EXPECT_EQ(store.Save(superblock).code(), StatusCode::kNotSupported);
}

TEST_F(SuperblockStoreTest, CopiesOfDifferentDevicesAreAnInterruptedFormat) {
  superblock.sequence = 50;
  Put(0, superblock);
  Put(1, superblock);
  superblock.device_uuid.bytes[0] ^= std::byte{1};
  superblock.sequence = 1;
  Put(0, superblock);
  const Status status = store.Load().status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("interrupted"), std::string::npos) << status.message();
  ASSERT_TRUE(store.Initialise(superblock).ok());
  EXPECT_EQ(store.Load()->device_uuid, superblock.device_uuid);
}

TEST_F(SuperblockStoreTest, SaveRefusesTheSuperblockOfAnotherDevice) {
  ASSERT_TRUE(store.Initialise(superblock).ok());
  superblock.device_uuid.bytes[0] ^= std::byte{1};
  EXPECT_EQ(store.Save(superblock).code(), StatusCode::kFailedPrecondition);
}

TEST_F(SuperblockStoreTest, ShrunkDeviceIsCorruption) {
  superblock.layout = *PlanLayout(2 * kCapacity, 4096, 0);
  ASSERT_TRUE(store.Initialise(superblock).ok());
  const Status status = store.Load().status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("the device has become smaller"), std::string::npos);
}

}  // namespace
}  // namespace rawkv
