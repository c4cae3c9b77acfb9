#include "tools/torture/campaign.h"

#include <filesystem>
#include <random>
#include <system_error>
#include <utility>

#include "base/fs_ops.h"
#include "tools/torture/script.h"
#include "tools/torture/worker_main.h"

namespace rawkv::torture {
namespace {

// Every eighth worker is killed while it opens the store, which takes a few to a few tens of milliseconds.
KillMoment ChooseKillMoment(std::mt19937_64& random) {
  if (random() % 8 == 0) return {.messages = 0, .then_ns = random() % 40'000'000};
  return {.messages = 1 + random() % 150, .then_ns = random() % 3'000'000};
}

}  // namespace

Status Campaign::Format(bool force) {
  FormatOptions format;
  format.device = plan_.device;
  format.capacity_bytes = plan_.capacity_bytes;
  format.force = force;
  format.runtime.wal_segment_bytes = 1 << 20;
  format.env.logger = &NullLogger();
  RAWKV_ASSIGN_OR_RETURN(const FormatResult made, Engine::Format(plan_.store, format));
  // Opens once, so that an I/O engine that this machine lacks is refused here and not in a worker.
  OpenOptions open;
  open.engine = plan_.engine.value_or(IoEngine::kAuto);
  open.env.logger = &NullLogger();
  RAWKV_RETURN_IF_ERROR(Engine::Open(plan_.store, open).status());
  tally_ = tally();
  history_ = std::make_unique<History>(made.version);
  ++tally_.formats;
  return Status::Ok();
}

Status Campaign::KillWorkers(uint64_t round) {
  std::mt19937_64 random(Mix(plan_.seed, round));
  const uint64_t workers = random() % 6 == 0 ? 2 + random() % 2 : 1;
  for (uint64_t i = 0; i < workers; ++i) RAWKV_RETURN_IF_ERROR(KillOneWorker(random()));
  return Status::Ok();
}

Status Campaign::KillOneWorker(uint64_t seed) {
  std::mt19937_64 random(seed);
  WorkerPlan worker = {.store = plan_.store, .scratch = plan_.scratch, .seed = random()};
  worker.durability =
      plan_.durability.value_or(random() % 2 == 0 ? Durability::kSynced : Durability::kUnsafeUnsynced);
  worker.engine = plan_.engine.value_or(random() % 2 == 0 ? IoEngine::kPosix : IoEngine::kAuto);
  worker.actors = static_cast<uint32_t>(1 + random() % 4);
  RAWKV_ASSIGN_OR_RETURN(const auto process, WorkerProcess::Start(plan_.program, WorkerArguments(worker)));
  RAWKV_ASSIGN_OR_RETURN(const std::vector<Message> messages, process->KillAt(ChooseKillMoment(random)));
  for (const Message& message : messages) RAWKV_RETURN_IF_ERROR(history_->Record(message));
  ++tally_.kills;
  tally_.kills_unsynced += worker.durability == Durability::kUnsafeUnsynced ? 1 : 0;
  tally_.kills_in_open += messages.empty() ? 1 : 0;
  tally_.kills_in_rollback += !messages.empty() && messages.back().kind == Message::Kind::kRollback ? 1 : 0;
  history_->ProcessEnded();
  return Status::Ok();
}

Status Campaign::JudgeRound(uint64_t round) {
  std::mt19937_64 random(Mix(~plan_.seed, round));
  ++tally_.rounds;
  RAWKV_RETURN_IF_ERROR(SaveLog());
  const bool thorough = random() % 16 == 0;
  return Judge({.store = plan_.store,
                .device = "",
                .engine = plan_.engine.value_or(IoEngine::kAuto),
                .seed = random(),
                .deep = random() % 4 == 0,
                .samples = thorough ? UINT64_MAX : 2},
               history_.get(), &tally_.judged);
}

// Opening the store cuts a torn tail. The copy of the log is the evidence if that cut is wrong.
Status Campaign::SaveLog() {
  const std::string to = JoinPath(plan_.scratch, "log-before-judgement");
  RAWKV_RETURN_IF_ERROR(RemoveTree(PosixFs(), to));
  std::error_code error;
  std::filesystem::copy(JoinPath(plan_.store, "wal"), to, std::filesystem::copy_options::recursive, error);
  return error ? Status::FromErrno(error.value(), "copying the log to " + to) : Status::Ok();
}

Tally Campaign::tally() const {
  Tally out = tally_;
  if (history_ == nullptr) return out;
  out.commits += history_->counts().acknowledged;
  out.settled_doubts += history_->counts().settled_doubts;
  out.digests += history_->counts().digests_checked;
  return out;
}

}  // namespace rawkv::torture
