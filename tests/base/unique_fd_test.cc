#include "base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace rawkv {
namespace {

UniqueFd OpenNull() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool IsOpen(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}

TEST(UniqueFd, DestructorCloses) {
  int number = -1;
  {
    const UniqueFd fd = OpenNull();
    ASSERT_TRUE(fd.valid());
    number = fd.get();
    EXPECT_TRUE(IsOpen(number));
  }
  EXPECT_FALSE(IsOpen(number));
}

TEST(UniqueFd, MoveTransfersTheFdAndClosesTheOldOne) {
  UniqueFd from = OpenNull();
  UniqueFd to = OpenNull();
  const int kept = from.get();
  const int closed = to.get();
  to = std::move(from);
  EXPECT_FALSE(from.valid());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(to.get(), kept);
  EXPECT_TRUE(IsOpen(kept));
  EXPECT_FALSE(IsOpen(closed));
  to.Reset();
  to.Reset();
  EXPECT_FALSE(to.valid());
  EXPECT_FALSE(IsOpen(kept));
}

}  // namespace
}  // namespace rawkv
