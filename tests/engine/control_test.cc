// Requests of another process to an open store. RunningStore uses the same socket within one process.

#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "engine/control/control_message.h"
#include "engine/control/control_socket.h"
#include "engine/control/running_store.h"
#include "tests/engine/engine_fixture.h"

namespace rawkv {
namespace {

class ControlTest : public EngineTest {
 protected:
  RunningStore Find() {
    Result<RunningStore> store = RunningStore::Find(dir_);
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return *std::move(store);
  }
  // Sends the bytes as a request, and returns the reply's bytes.
  std::string Exchange(std::string_view request) {
    Result<UniqueFd> socket = ConnectToStore(Path("LOCK"));
    EXPECT_TRUE(socket.ok()) << socket.status().ToString();
    const Status sent = SendAll(*socket, request);
    EXPECT_TRUE(sent.ok()) << sent.ToString();
    return ReceiveAll(*socket, kMaxReplyBytes, -1).value();
  }
};

TEST_F(ControlTest, EachCallDoesWhatTheEngineDoes) {
  FormatAndOpen();
  RunningStore store = Find();
  const Version first = Put("a", OneSlot(1));
  EXPECT_EQ(store.CreateSnapshot().value(), first);
  Put("a", OneSlot(2));
  const Version third = Put("a", OneSlot(3));
  EXPECT_EQ(store.Pin("newest").value(), third);
  EXPECT_EQ(store.Pin("older", Version(2)).value(), Version(2));
  EXPECT_EQ(Snapshots(), (std::vector{Version(0), first, Version(2), third}));
  EXPECT_EQ(Get("a", Version(2)), OneSlot(2));

  ASSERT_TRUE(store.DeleteSnapshot(first).ok());
  ASSERT_TRUE(store.Unpin("older").ok());
  EXPECT_EQ(store.Prune(0).value(), (std::vector{Version(0), Version(2)}));
  EXPECT_EQ(Snapshots(), std::vector{third});

  const RuntimeSettings settings = store.ChangeSettings({.keep_recent = 7}).value();
  EXPECT_EQ(settings, Info().settings);
  EXPECT_EQ(settings.keep_recent, 7u);
  ASSERT_OK(store.AcknowledgeGivenUp());
  Reopen();
  EXPECT_EQ(Info().settings.keep_recent, 7u);
  EXPECT_EQ(Find().Pin("newest").value(), third) << "the pin is durable, and the same call is idempotent";
}

TEST_F(ControlTest, TheErrorsOfTheEngineArrive) {
  FormatAndOpen();
  Put("a", "1");
  RunningStore store = Find();
  EXPECT_STATUS(store.Pin("p", Version(9)), StatusCode::kVersionUnreachable,
                "the process that has the store open: ", "9");
  EXPECT_STATUS(store.Pin("a/b"), StatusCode::kInvalidArgument, "printable");
  EXPECT_STATUS(store.Unpin("p"), StatusCode::kFailedPrecondition, "p");
  EXPECT_STATUS(store.DeleteSnapshot(Version(9)), StatusCode::kFailedPrecondition, "9");
  EXPECT_STATUS(store.ChangeSettings({.wal_segment_bytes = (64 << 10) + 1}), StatusCode::kInvalidArgument,
                "wal_segment_bytes");
}

TEST_F(ControlTest, NobodyAnswersForAStoreThatIsNotOpenForWriting) {
  Format();
  EXPECT_STATUS(RunningStore::Find(dir_), StatusCode::kNotFound, "no process");
  open_.read_only = true;
  Open();
  EXPECT_STATUS(RunningStore::Find(dir_), StatusCode::kNotFound, "no process");
  Close();
  open_.read_only = false;
  open_.serve_requests = false;
  Open();
  EXPECT_STATUS(RunningStore::Find(dir_), StatusCode::kNotFound, "no process");
  Close();
  open_.serve_requests = true;
  Open();
  RunningStore store = Find();
  Close();
  EXPECT_STATUS(store.CreateSnapshot(), StatusCode::kNotFound, "no process");
  EXPECT_STATUS(RunningStore::Find(dir_ + "/absent"), StatusCode::kNotFound, "absent");
}

TEST_F(ControlTest, AStoreThatCouldNotCloseTakesRequestsAgain) {
  FormatAndOpen();
  Put("a", "1");
  RunningStore store = Find();
  {
    const auto view = View();
    EXPECT_EQ(engine_->Close().code(), StatusCode::kBusy);
    EXPECT_TRUE(store.CreateSnapshot().ok());
  }
}

TEST_F(ControlTest, ACallerThatSendsNothingHoldsUpNoClose) {
  FormatAndOpen();
  const Result<UniqueFd> silent = ConnectToStore(Path("LOCK"));
  ASSERT_TRUE(silent.ok());
  ASSERT_EQ(::send(silent->get(), "R", 1, MSG_NOSIGNAL), 1);
  Close();
  char byte;
  EXPECT_LE(::recv(silent->get(), &byte, 1, 0), 0) << "the store has closed the connection";
}

TEST_F(ControlTest, DamagedRequestsAreRefusedAndChangeNothing) {
  FormatAndOpen();
  const std::string good = EncodeControlRequest(
      {.operation = ControlRequest::Operation::kPin, .name = "p", .number = 0, .settings = {}});
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    const Result<ControlReply> reply = DecodeControlReply(Exchange(bad));
    ASSERT_TRUE(reply.ok()) << i;
    EXPECT_FALSE(reply->status.ok()) << i;
    const Result<ControlReply> cut = DecodeControlReply(Exchange(good.substr(0, i)));
    EXPECT_EQ(cut.ok(), i > 0) << "an empty request gets no reply, a cut one gets a refusal";
    if (cut.ok()) EXPECT_EQ(cut->status.code(), StatusCode::kCorruption) << i;
  }
  EXPECT_TRUE(Snapshots().size() <= 1);
  EXPECT_TRUE(DecodeControlReply(Exchange(good))->status.ok());
}

TEST_F(ControlTest, AProcessThatEndsBeforeItsAnswerLeavesTheOutcomeUnknown) {
  Format();
  const Result<UniqueFd> listening = ListenForRequests(Path("LOCK"));
  ASSERT_TRUE(listening.ok()) << listening.status().ToString();
  std::thread other([&] {
    // The first connection only looks whether somebody answers; the second one brings the request.
    for (int i = 0; i < 2; ++i)
      EXPECT_TRUE(ReceiveAll(*AcceptRequest(*listening), kMaxRequestBytes, -1).ok());
  });
  EXPECT_STATUS(Find().CreateSnapshot(), StatusCode::kIoError, "ended before it answered", "repeat it");
  other.join();
}

TEST_F(ControlTest, AnOpenWorksWhenAnotherProcessHoldsTheName) {
  Format();
  const Result<UniqueFd> other = ListenForRequests(Path("LOCK"));
  ASSERT_TRUE(other.ok());
  Open();
  EXPECT_TRUE(logger_.Warned("rawkv-ctl cannot ask this process")) << logger_.text();
  Put("a", "1");
}

TEST_F(ControlTest, RequestsRunConcurrentlyWithCommits) {
  FormatAndOpen();
  Put("k", OneSlot(0));
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([this, caller] {
      RunningStore store = Find();
      const std::string name = "caller" + std::to_string(caller);
      for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(store.Pin(name).ok());
        EXPECT_TRUE(store.Prune(0).ok());
        EXPECT_TRUE(store.Unpin(name).ok());
      }
    });
  }
  const Version last = Overwrite("k", 50);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(engine_->version(), last);
}

}  // namespace
}  // namespace rawkv
