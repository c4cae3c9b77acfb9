#include "tools/quickstart_survival.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tools/quickstart_process.h"
#include "tools/quickstart_worker.h"

namespace rawkv::quickstart {
namespace {

TEST(Survival, AllThatWasAcknowledgedAndNothingUnbegunMustComeBack) {
  EXPECT_TRUE(RequireSurvived({.begun = 8, .acknowledged = 7, .came_back = 7}).ok());
  EXPECT_TRUE(RequireSurvived({.begun = 8, .acknowledged = 7, .came_back = 8}).ok());
  EXPECT_EQ(RequireSurvived({.begun = 8, .acknowledged = 7, .came_back = 6}).code(), StatusCode::kCorruption);
  EXPECT_EQ(RequireSurvived({.begun = 8, .acknowledged = 7, .came_back = 9}).code(), StatusCode::kCorruption);
}

TEST(Worker, PassesItsTasksErrorOn) {
  const Status status = RunInWorker([] { return Status::NoSpace("in the worker"); });
  EXPECT_EQ(status.code(), StatusCode::kNoSpace);
  EXPECT_EQ(status.message(), "in the worker");
  EXPECT_TRUE(RunInWorker([] { return Status::Ok(); }).ok());
}

TEST(Worker, ACrashIsNotSuccess) {
  const Status status = RunInWorker([]() -> Status { _exit(0); });
  EXPECT_EQ(status.code(), StatusCode::kInternal) << status.ToString();
}

TEST(Worker, WhatAKilledOneToldCanStillBeRead) {
  const auto worker = Worker::Start([](int fd) -> Status {
    RAWKV_RETURN_IF_ERROR(TellParent(fd, {.kind = WorkerEvent::Kind::kBegun, .version = 1}));
    RAWKV_RETURN_IF_ERROR(TellParent(fd, {.kind = WorkerEvent::Kind::kBegun, .version = 2}));
    for (;;) pause();
  });
  ASSERT_TRUE(worker.ok());
  EXPECT_EQ((*worker)->Next().value()->version, 1u);
  (*worker)->Kill();
  // Killed after its second event or before it: whole, or not at all.
  const auto second = (*worker)->Next().value();
  if (second.has_value()) {
    EXPECT_EQ(second->version, 2u);
    EXPECT_FALSE((*worker)->Next().value().has_value());
  }
}

TEST(ChildProcess, SaysHowAProgramEndedAndWhatItSaid) {
  Command command;
  command.argv = {"/bin/sh", "-c", "echo one; echo sorry >&2; exit 7"};
  EXPECT_NE(Capture(command).status().message().find("status 7: sorry"), std::string::npos);
  command.argv = {"/bin/sh", "-c", "kill -KILL $$"};
  EXPECT_NE(Capture(command).status().message().find("SIGKILL"), std::string::npos);
  command.argv = {"no-such-program-anywhere"};
  EXPECT_EQ(Capture(command).status().code(), StatusCode::kNotFound);
  command.argv = {"/bin/cat"};
  command.input = std::string(1 << 20, 'i');
  EXPECT_EQ(Capture(command).value(), command.input);
}

}  // namespace
}  // namespace rawkv::quickstart
