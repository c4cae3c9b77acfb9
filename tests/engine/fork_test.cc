// A program forks while it has a store open. The parent continues undisturbed, and the child is refused every
// call.

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

constexpr unsigned kHungAfterSeconds = 20;

// Runs `body` in a forked process. Returns its result, or -1 if the process hung or died.
int RunInChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kHungAfterSeconds);
    ::_exit(body());
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

bool IsRefused(const Status& status) {
  return status.code() == StatusCode::kFailedPrecondition;
}

class ForkTest : public EngineTest {};

TEST_F(ForkTest, ChildDoesNotKeepTheStoreLocked) {
  FormatAndOpen();
  int wait[2];
  ASSERT_EQ(::pipe(wait), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(wait[1]);
    char end = 0;
    ::_exit(::read(wait[0], &end, 1) == 0 ? 0 : 1);
  }
  Put("a", OneSlot(1));
  Close();
  Open();
  EXPECT_EQ(Get("a"), OneSlot(1));
  ::close(wait[1]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  ::close(wait[0]);
}

TEST_F(ForkTest, EveryCallInTheChildIsRefused) {
  FormatAndOpen();
  Put("a", OneSlot(1));
  const std::shared_ptr<const ReadView> view = View();
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Iterator> iterator, engine_->NewIterator());
  iterator->SeekToFirst();
  ASSERT_TRUE(iterator->Valid());
  const std::vector<std::function<Status()>> calls{
      [&] { return engine_->Get("a").status(); },
      [&] { return engine_->Get("a", {.view = view.get()}).status(); },
      [&] { return engine_->Exists("a").status(); },
      [&] { return engine_->Commit(WriteBatch()).status; },
      [&] { return engine_->Sync(); },
      [&] { return engine_->CreateSnapshot().status(); },
      [&] { return engine_->NewIterator().status(); },
      [&] { return engine_->OpenView().status(); },
      [&] { return engine_->Info().status(); },
      [&] { return engine_->Rollback(Version(0)); },
      [&] { return engine_->Export({.version = Version(1), .out = Path("../out")}); },
      [&] { return engine_->StartScrub(); },
      [&] { return engine_->StopScrub().stopped; },
      [&] { return engine_->scrub_report().stopped; },
      [&] { return iterator->ReadValue().status(); },
      [&] {
        iterator->Next();
        return iterator->status();
      },
      [&] { return engine_->Close(); },
  };
  const int refused = RunInChild([&] {
    int n = 0;
    for (const auto& call : calls) {
      if (!IsRefused(call())) break;
      ++n;
    }
    return n;
  });
  EXPECT_EQ(refused, static_cast<int>(calls.size()));
}

TEST_F(ForkTest, ChildCannotOpenAnotherStore) {
  FormatAndOpen();
  const std::string other = dir_ + "-other";
  ASSERT_TRUE(Engine::Format(other, format_).ok());
  EXPECT_EQ(
      RunInChild([&] { return Engine::Open(other, open_).status().code() == StatusCode::kIoError ? 7 : 1; }),
      7);
  EXPECT_TRUE(Engine::Open(other, open_).ok());
}

TEST_F(ForkTest, DestroyingTheEngineInTheChildDoesNotAffectTheParent) {
  FormatAndOpen();
  const Version old = Put("a", OneSlot(1));
  Put("a", OneSlot(2));
  std::shared_ptr<const ReadView> tip = View();
  std::shared_ptr<const ReadView> past = View(old);
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Iterator> iterator, engine_->NewIterator());
  EXPECT_EQ(RunInChild([&] {
              iterator.reset();
              tip.reset();
              past.reset();
              engine_.reset();
              return 7;
            }),
            7);
  ASSERT_OK_AND_ASSIGN(const Value value, engine_->Get("a", {.view = past.get()}));
  EXPECT_EQ(value.bytes, OneSlot(1));
  iterator.reset();
  tip.reset();
  past.reset();
  Put("b", OneSlot(3));
  EXPECT_TRUE(engine_->CreateSnapshot().ok());
  Reopen();
  EXPECT_EQ(Get("b"), OneSlot(3));
}

TEST_F(ForkTest, StoreDescriptorsAreClosedOnExec) {
  FormatAndOpen();
  Put("a", OneSlot(1));
  ASSERT_TRUE(engine_->CreateSnapshot().ok());
  const std::unique_ptr<DIR, int (*)(DIR*)> descriptors(::opendir("/proc/self/fd"), ::closedir);
  ASSERT_NE(descriptors, nullptr);
  int checked = 0;
  while (const dirent* entry = ::readdir(descriptors.get())) {
    char target[4096] = {};
    const std::string link = std::string("/proc/self/fd/") + entry->d_name;
    if (::readlink(link.c_str(), target, sizeof(target) - 1) < 0) continue;
    const std::string_view path(target);
    if (!path.starts_with(dir_) && path.find("io_uring") == std::string_view::npos) continue;
    ++checked;
    EXPECT_NE(::fcntl(std::stoi(entry->d_name), F_GETFD) & FD_CLOEXEC, 0) << path;
  }
  EXPECT_GE(checked, 3);  // LOCK, the device, the log
}

}  // namespace
}  // namespace rawkv
