#include "base/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "base/refusal.h"

namespace rawkv {
namespace {

TEST(Status, OkIsOnePointerWithoutAMessage) {
  const Status ok;
  EXPECT_TRUE(ok.ok());
  EXPECT_EQ(ok.code(), StatusCode::kOk);
  EXPECT_EQ(ok.message(), "");
  EXPECT_EQ(ok.ToString(), "ok");
}

TEST(Status, ErrorKeepsItsCodeAndMessageInCopies) {
  const Status status = Status::Corruption("wal/1.log at offset 64: bad checksum");
  const Status copy = status;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_FALSE(copy.ok());
  EXPECT_EQ(copy.code(), StatusCode::kCorruption);
  EXPECT_EQ(copy.ToString(), "corruption: wal/1.log at offset 64: bad checksum");
}

TEST(Status, ContextGoesInFrontAndKeepsTheCode) {
  const Status status = Status::NoSpace("write f: No space left on device").WithContext("commit 7");
  EXPECT_EQ(status.code(), StatusCode::kNoSpace);
  EXPECT_EQ(status.message(), "commit 7: write f: No space left on device");
  EXPECT_TRUE(Status::Ok().WithContext("commit 7").ok());
}

TEST(Status, ErrnoValuesMapToStatusCodes) {
  EXPECT_EQ(Status::FromErrno(ENOENT, "open /x").ToString(), "not found: open /x: No such file or directory");
  EXPECT_EQ(Status::FromErrno(ENOSPC, "write /x").code(), StatusCode::kNoSpace);
  EXPECT_EQ(Status::FromErrno(EDQUOT, "write /x").code(), StatusCode::kNoSpace);
  EXPECT_EQ(Status::FromErrno(EIO, "read /x").code(), StatusCode::kIoError);
  EXPECT_EQ(Status::FromErrno(EACCES, "open /x").code(), StatusCode::kIoError);
}

TEST(Status, LackOfAResourceFollowsFromErrnoAndSurvivesContext) {
  for (const int error : {ENOSPC, EDQUOT, EFBIG}) {
    EXPECT_EQ(Status::FromErrno(error, "write /x").code(), StatusCode::kNoSpace) << error;
  }
  for (const int error : {EMFILE, ENFILE, EACCES}) {
    const Status status = Status::FromErrno(error, "open /x").WithContext("commit");
    EXPECT_EQ(status.code(), StatusCode::kIoError);
    EXPECT_TRUE(status.lacks_resource());
  }
  EXPECT_NE(Status::FromErrno(EMFILE, "open /x").message().find("ulimit -n"), std::string::npos);
  EXPECT_TRUE(Status::NoSpace("full").lacks_resource());
  EXPECT_FALSE(Status::IoError("broken").lacks_resource());
  EXPECT_FALSE(Status::Ok().lacks_resource());
}

TEST(Status, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(StatusCode::kInternal); ++code) {
    names.insert(StatusCodeName(static_cast<StatusCode>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(StatusCode::kInternal) + 1);
  EXPECT_EQ(names.count("unknown"), 0u);
}

Status Guarded(const Status& status, bool* reached_end) {
  RAWKV_RETURN_IF_ERROR(status);
  *reached_end = true;
  return {};
}

TEST(Status, ReturnIfErrorReturnsOnlyOnError) {
  bool reached_end = false;
  EXPECT_EQ(Guarded(Status::Busy("held"), &reached_end).code(), StatusCode::kBusy);
  EXPECT_FALSE(reached_end);
  EXPECT_TRUE(Guarded(Status::Ok(), &reached_end).ok());
  EXPECT_TRUE(reached_end);
}

TEST(StatusDeathTest, OkWithAMessageAborts) {
  EXPECT_DEATH((void)Status(StatusCode::kOk, "fine"), "an ok Status has no message");
}

TEST(Status, RefusalByTheSystemIsNotAFailureOfTheMedium) {
  for (const int error : {EACCES, EPERM, EMFILE, ENFILE, ENOMEM}) {
    const Status status = Status::FromErrno(error, "open /s/PINS");
    EXPECT_EQ(status.code(), StatusCode::kIoError);
    EXPECT_TRUE(status.refused()) << status.ToString();
    EXPECT_TRUE(status.WithContext("checking").refused());
    EXPECT_NE(status.message().find("; "), std::string::npos) << "no advice: " << status.message();
  }
  for (const int error : {EIO, ENOSPC, ENOENT, ENXIO}) {
    EXPECT_FALSE(Status::FromErrno(error, "read /s/PINS").refused()) << error;
  }
  EXPECT_FALSE(Status::Ok().refused());
  EXPECT_FALSE(Status::IoError("injected").refused());
}

TEST(Status, RefusalIsRecognisedInTheTextOfALibrary) {
  EXPECT_FALSE(RefusalAdviceIn("IO error: While open a file: /s/000012.sst: Too many open files").empty());
  EXPECT_FALSE(RefusalAdviceIn("Corruption: Can't access /000012.sst: IO error: Permission denied").empty());
  EXPECT_TRUE(
      RefusalAdviceIn("Corruption: block checksum mismatch in /Permission denied/000012.sst").empty());
  EXPECT_TRUE(RefusalAdviceIn("IO error: read /s/000012.sst: Input/output error").empty());
}

}  // namespace
}  // namespace rawkv
