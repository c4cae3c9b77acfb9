#include "tools/torture/history.h"

#include <algorithm>

namespace rawkv::torture {
namespace {

// The largest number of unknown versions for which Infer tries all orders of commits; its time is factorial.
constexpr size_t kOpenVersionsMax = 6;

std::string Name(uint64_t version) {
  return "version " + std::to_string(version);
}

std::string Describe(const std::optional<Version>& pin) {
  return pin ? "at version " + ToString(*pin) : "absent";
}

}  // namespace

History::History(Version initial, Promise promise) : promise_(promise) {
  rows_[initial.value()] = {};
  durable_ = initial;
}

Status History::Record(const Message& message) {
  switch (message.kind) {
    case Message::Kind::kOpened:
      return RecordOpened(Version(message.version));
    case Message::Kind::kFound:
      return RecordFound(Version(message.version), message.number);
    case Message::Kind::kDurable:
      durable_ = std::max(durable_, Version(message.version));
      return Status::Ok();
    case Message::Kind::kDigest:
      digests_.emplace_back(Version(message.version), message.number);
      return Status::Ok();
    case Message::Kind::kCommit:
    case Message::Kind::kRollback:
    case Message::Kind::kPin:
    case Message::Kind::kUnpin:
      under_way_[message.actor] = message;
      return Status::Ok();
    default:
      return RecordEnd(message);
  }
}

Status History::RecordEnd(const Message& message) {
  const auto begun = under_way_.find(message.actor);
  if (begun == under_way_.end()) return Status::Internal("a worker ended an act that it had not begun");
  const Message act = begun->second;
  under_way_.erase(begun);
  switch (message.kind) {
    case Message::Kind::kCommitted:
      ++counts_.acknowledged;
      return AddCommit(Version(message.version), act.number);
    case Message::Kind::kRolledBack:
      return ForgetAbove(Version(act.version));
    case Message::Kind::kPinned:
      pins_.insert_or_assign(act.actor, Version(message.version));
      doubtful_pins_.erase(act.actor);
      return Status::Ok();
    case Message::Kind::kUnpinned:
      pins_.erase(act.actor);
      doubtful_pins_.erase(act.actor);
      return Status::Ok();
    default:
      return Status::Ok();  // kRefused
  }
}

void History::ProcessEnded() {
  for (const auto& [actor, act] : under_way_) {
    switch (act.kind) {
      case Message::Kind::kCommit:
        doubtful_.insert(act.number);
        break;
      case Message::Kind::kRollback:
        doubtful_rollback_ = Version(act.version);
        break;
      case Message::Kind::kPin:
        doubtful_pins_[actor].may_be_any = true;
        break;
      default:
        doubtful_pins_[actor].may_be_gone = true;
    }
  }
  under_way_.clear();
}

Status History::RecordOpened(Version tip) {
  if (doubtful_rollback_) {
    const Version target = *doubtful_rollback_;
    doubtful_rollback_.reset();
    if (tip == target) return ForgetAbove(tip);
  }
  const uint64_t reported =
      ahead_.empty() ? known().value() : std::max(known().value(), ahead_.rbegin()->first);
  if (tip.value() < reported) {
    if (promise_ == Promise::kAcknowledged || tip < durable_) {
      return Status::Corruption("the store was reopened at " + Name(tip.value()) + "; acknowledged: " +
                                Name(reported) + ", reported as durable: " + Name(durable_.value()));
    }
    counts_.lost_undurable += reported - tip.value();
    return ForgetAbove(tip);
  }
  for (const auto& [version, digest] : digests_) {
    if (version > tip && promise_ == Promise::kAcknowledged) {
      return Status::Corruption("the store was reopened at " + Name(tip.value()) +
                                ", but a reader had read " + Name(version.value()));
    }
  }
  const size_t unknown = Unknown(tip).size();
  if (unknown > doubtful_.size()) {
    return Status::Corruption("the store was reopened at " + Name(tip.value()) +
                              "; acknowledged: " + Name(reported) + ", and no more than " +
                              std::to_string(doubtful_.size()) + " commits were in progress");
  }
  if (unknown == 0) doubtful_.clear();
  return Status::Ok();
}

Status History::RecordFound(Version version, uint64_t nonce) {
  const auto row = rows_.find(version.value());
  const auto waiting = ahead_.find(version.value());
  const std::optional<uint64_t> reported = row != rows_.end()        ? std::optional(row->second.nonce)
                                           : waiting != ahead_.end() ? std::optional(waiting->second)
                                                                     : std::nullopt;
  if (reported) {
    if (*reported == nonce) return Status::Ok();
    return Status::Corruption(Name(version.value()) + " is commit " + std::to_string(nonce) +
                              ", acknowledged was commit " + std::to_string(*reported));
  }
  if (doubtful_.erase(nonce) == 0) {
    return Status::Corruption(Name(version.value()) + " is commit " + std::to_string(nonce) +
                              ", which no worker was making");
  }
  ++counts_.settled_doubts;
  return AddCommit(version, nonce);
}

Status History::AddCommit(Version version, uint64_t nonce) {
  if (version <= known() || !ahead_.emplace(version.value(), nonce).second) {
    return Status::Corruption(Name(version.value()) + " was acknowledged twice, the second time as commit " +
                              std::to_string(nonce));
  }
  Extend();
  return Status::Ok();
}

void History::Extend() {
  while (!ahead_.empty() && ahead_.begin()->first == known().value() + 1) {
    const auto [version, nonce] = *ahead_.begin();
    ahead_.erase(ahead_.begin());
    State state = rows_.rbegin()->second.state;
    ApplyScript(nonce, &state);
    rows_[version] = {nonce, std::move(state)};
  }
}

Status History::ForgetAbove(Version version) {
  RAWKV_RETURN_IF_ERROR(CheckDigests());
  std::erase_if(digests_, [&](const auto& digest) { return digest.first > version; });
  ahead_.erase(ahead_.upper_bound(version.value()), ahead_.end());
  if (version < known()) {
    rows_.erase(rows_.upper_bound(version.value()), rows_.end());
    if (rows_.empty()) return Status::Internal(Name(version.value()) + " is below the model's beginning");
  }
  if (Unknown(version).empty()) doubtful_.clear();
  durable_ = std::min(durable_, version);
  std::erase_if(pins_, [&](const auto& pin) { return pin.second > version; });
  for (auto& [actor, doubt] : doubtful_pins_) doubt.may_be_gone = true;
  return Status::Ok();
}

std::vector<Version> History::Unknown(Version tip) const {
  std::vector<Version> out;
  for (uint64_t v = known().value() + 1; v <= tip.value(); ++v) {
    if (!ahead_.contains(v)) out.push_back(Version(v));
  }
  return out;
}

Status History::Infer(const std::map<Version, State>& seen) {
  const Version tip = seen.rbegin()->first;
  const std::vector<Version> open = Unknown(tip);
  if (open.empty()) return Status::Ok();
  if (open.size() > kOpenVersionsMax) {
    return Status::Internal(std::to_string(open.size()) +
                            " versions whose commits the store cannot name any more");
  }
  if (!InferFrom(open, seen)) {
    return Status::Corruption("no order of the commits that were in progress leads to " + Name(tip.value()) +
                              " and the versions below it as read");
  }
  counts_.settled_doubts += open.size();
  doubtful_.clear();
  Extend();
  return Status::Ok();
}

// Fills `ahead_`; leaves it unchanged if no order fits.
bool History::InferFrom(std::vector<Version> open, const std::map<Version, State>& seen) {
  if (open.empty()) return LeadsTo(seen);
  const uint64_t version = open.back().value();
  open.pop_back();
  for (const uint64_t nonce : std::set<uint64_t>(doubtful_)) {
    doubtful_.erase(nonce);
    ahead_[version] = nonce;
    if (InferFrom(open, seen)) return true;
    ahead_.erase(version);
    doubtful_.insert(nonce);
  }
  return false;
}

// Whether `ahead_`, which continues the known versions without a gap, leads to `seen`.
bool History::LeadsTo(const std::map<Version, State>& seen) const {
  State state = rows_.rbegin()->second.state;
  for (const auto& [number, nonce] : ahead_) {
    const Version version(number);
    if (version > seen.rbegin()->first) break;
    ApplyScript(nonce, &state);
    const auto read = seen.find(version);
    if (read != seen.end() && read->second != state) return false;
    for (const auto& [read_version, digest] : digests_) {
      if (read_version == version && digest != DigestOf(state)) return false;
    }
  }
  return true;
}

const State* History::StateAt(Version version) const {
  const auto row = rows_.find(version.value());
  return row == rows_.end() ? nullptr : &row->second.state;
}

Status History::CheckDigests() {
  std::vector<std::pair<Version, uint64_t>> later;
  for (const auto& [version, digest] : digests_) {
    const State* state = StateAt(version);
    if (state == nullptr) {
      later.emplace_back(version, digest);
    } else if (DigestOf(*state) != digest) {
      return Status::Corruption("a reader read " + Name(version.value()) + " with digest " + ToHex(digest) +
                                ", not " + ToHex(DigestOf(*state)));
    } else {
      ++counts_.digests_checked;
    }
  }
  digests_ = std::move(later);
  return Status::Ok();
}

Status History::CheckPins(const std::map<std::string, Version>& found) {
  std::set<uint32_t> actors;
  for (const auto& [actor, version] : pins_) actors.insert(actor);
  for (const auto& [actor, doubt] : doubtful_pins_) actors.insert(actor);
  for (const uint32_t actor : actors) {
    const auto at = found.find(PinNameOf(actor));
    const std::optional<Version> is = at == found.end() ? std::nullopt : std::optional(at->second);
    const auto held = pins_.find(actor);
    const std::optional<Version> was = held == pins_.end() ? std::nullopt : std::optional(held->second);
    const PinDoubt& doubt = doubtful_pins_[actor];
    if (is != was && !(is ? doubt.may_be_any : doubt.may_be_gone)) {
      return Status::Corruption("the pin " + PinNameOf(actor) + " is " + Describe(is) + ", acknowledged " +
                                Describe(was));
    }
    pins_.erase(actor);
    if (is) pins_.emplace(actor, *is);
  }
  doubtful_pins_.clear();
  return Status::Ok();
}

}  // namespace rawkv::torture
