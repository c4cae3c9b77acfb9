#include "tools/bench/rawkv_peer.h"

#include <algorithm>
#include <array>

#include "base/fs_ops.h"
#include "blockdev/aligned_buffer.h"
#include "engine/engine.h"
#include "tools/bench/files.h"
#include "tools/bench/values.h"

namespace rawkv::bench {
namespace {

// Room for the values, the slots that history holds, and new keys.
constexpr uint64_t kCapacityFactor = 4;
constexpr uint64_t kCapacityMin = 64ull << 20;

class RawkvReader final : public Reader {
 public:
  RawkvReader(Engine& engine, uint64_t value_bytes) : engine_(engine), buffer_(value_bytes) {}
  Result<ConstBytes> Get(std::string_view key) override {
    RAWKV_ASSIGN_OR_RETURN(const uint64_t bytes, engine_.GetInto(key, buffer_.bytes()));
    return ConstBytes(buffer_.bytes()).first(bytes);
  }

 private:
  Engine& engine_;
  AlignedBuffer buffer_;
};

// Keeps `depth` reads of a session under way.
class SessionReads {
 public:
  SessionReads(Session& session, ReadWork& work, uint64_t depth, Tally* tally)
      : session_(session), work_(work), tally_(tally), slots_(depth) {
    for (Slot& slot : slots_) slot.buffer = AlignedBuffer(work.value_bytes());
  }

  Status Run() {
    for (Slot& slot : slots_) RAWKV_RETURN_IF_ERROR(Submit(slot));
    std::array<SessionCompletion, 64> done;
    while (under_way_ > 0) {
      session_.Wait(-1);
      for (size_t n = session_.Drain(done), i = 0; i < n; ++i) RAWKV_RETURN_IF_ERROR(Complete(done[i]));
    }
    return Status::Ok();
  }

 private:
  struct Slot {
    AlignedBuffer buffer;
    uint64_t id = 0, number = 0;
    Clock::time_point begin;
  };

  Status Submit(Slot& slot) {
    const auto number = work_.Next();
    if (!number) return Status::Ok();
    slot.number = *number;
    const std::string key = KeyOf(slot.number);
    const std::array<SessionRead, 1> read = {{{key, slot.buffer.bytes()}}};
    slot.begin = Clock::now();
    RAWKV_ASSIGN_OR_RETURN(slot.id, session_.SubmitGet(read));
    ++under_way_;
    return Status::Ok();
  }

  Status Complete(const SessionCompletion& done) {
    RAWKV_RETURN_IF_ERROR(done.status);
    const SessionAnswer& answer = done.answers.front();
    RAWKV_RETURN_IF_ERROR(answer.status);
    const auto slot = std::find_if(slots_.begin(), slots_.end(), [&](Slot& s) { return s.id == done.id; });
    RAWKV_RETURN_IF_ERROR(work_.Check(slot->number, ConstBytes(slot->buffer.bytes()).first(answer.bytes)));
    tally_->Add(Clock::now() - slot->begin, answer.bytes);
    --under_way_;
    return Submit(*slot);
  }

  Session& session_;
  ReadWork& work_;
  Tally* const tally_;
  std::vector<Slot> slots_;
  uint64_t under_way_ = 0;
};

class RawkvPeer final : public Peer {
 public:
  explicit RawkvPeer(PeerOptions options) : options_(std::move(options)) {}

  Status Open(Access) override {
    RAWKV_ASSIGN_OR_RETURN(const bool exists, Exists(PosixFs(), JoinPath(options_.dir, "STORE")));
    if (!exists) RAWKV_RETURN_IF_ERROR(Format());
    OpenOptions open;
    open.engine = options_.engine;
    open.block_cache_bytes = options_.cache_bytes / 2;
    open.value_cache_bytes = options_.cache_bytes / 2;
    open.env.logger = &NullLogger();
    RAWKV_ASSIGN_OR_RETURN(engine_, Engine::Open(options_.dir, open));
    return Status::Ok();
  }

  Status Close() override {
    if (engine_ == nullptr) return Status::Ok();
    const Status status = engine_->Close();
    engine_.reset();
    return status;
  }

  Status Commit(std::span<const Entry> entries, CommitMode mode) override {
    WriteBatch batch;
    for (const Entry& entry : entries) batch.PutBorrowed(entry.key, entry.value);
    return engine_
        ->Commit(batch, {.durability = mode == CommitMode::kDurable ? Durability::kSynced
                                                                    : Durability::kUnsafeUnsynced})
        .status;
  }

  Status Sync() override { return engine_->Sync(); }

  Result<std::unique_ptr<Reader>> NewReader() override {
    return std::unique_ptr<Reader>(std::make_unique<RawkvReader>(*engine_, options_.value_bytes));
  }

  Status MultiGet(std::span<const std::string_view> keys, const OnEntry& fn) override {
    const uint64_t each = AlignUp(options_.value_bytes, kBlockAlign);
    if (memory_.size() < keys.size() * each) memory_ = AlignedBuffer(keys.size() * each);
    std::vector<SessionRead> reads;
    for (size_t i = 0; i < keys.size(); ++i) {
      reads.push_back({keys[i], memory_.bytes().subspan(i * each, each)});
    }
    const std::vector<SessionAnswer> answers = engine_->MultiGetInto(reads);
    if (answers.size() != keys.size()) return Status::IoError("no memory for the answers of a multi-get");
    for (size_t i = 0; i < keys.size(); ++i) {
      RAWKV_RETURN_IF_ERROR(answers[i].status);
      RAWKV_RETURN_IF_ERROR(fn(keys[i], ConstBytes(reads[i].out).first(answers[i].bytes)));
    }
    return Status::Ok();
  }

  Status Scan(std::string_view first, uint64_t count, const OnEntry& fn) override {
    RAWKV_ASSIGN_OR_RETURN(const auto it, engine_->NewIterator());
    uint64_t done = 0;
    for (it->Seek(first); it->Valid() && done < count; it->Next(), ++done) {
      RAWKV_ASSIGN_OR_RETURN(const std::string value, it->ReadValue());
      RAWKV_RETURN_IF_ERROR(fn(it->key(), AsBytes(value)));
    }
    return it->status();
  }

  Status ReadAtDepth(ReadWork& work, uint64_t depth, Tally* tally) override {
    if (depth == 1) return Peer::ReadAtDepth(work, depth, tally);
    RAWKV_ASSIGN_OR_RETURN(const auto session, engine_->OpenSession());
    RAWKV_RETURN_IF_ERROR(SessionReads(*session, work, depth, tally).Run());
    return session->Close();
  }

  Status Settle() override { return engine_->CreateSnapshot().status(); }
  Status Snapshot() override { return engine_->CreateSnapshot().status(); }

  Result<uint64_t> SpaceBytes() override {
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine_->Info());
    RAWKV_ASSIGN_OR_RETURN(const uint64_t metadata, AllocatedBytes(options_.dir, "device.img"));
    return metadata + (info.slots.total - info.slots.free) * info.slot_bytes;
  }

  Engine* engine() override { return engine_.get(); }

 private:
  Status Format() const {
    FormatOptions format;
    format.device = options_.device;
    format.capacity_bytes = AlignUp(std::max(kCapacityMin, kCapacityFactor * options_.data_bytes), 1 << 20);
    format.preallocate = options_.device.empty();
    format.force = !options_.device.empty();
    format.env.logger = &NullLogger();
    return Engine::Format(options_.dir, format).status();
  }

  const PeerOptions options_;
  std::unique_ptr<Engine> engine_;
  AlignedBuffer memory_;  // of MultiGet
};

}  // namespace

std::unique_ptr<Peer> MakeRawkvPeer(const PeerOptions& options) {
  return std::make_unique<RawkvPeer>(options);
}

}  // namespace rawkv::bench
