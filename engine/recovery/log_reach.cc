#include "engine/recovery/log_reach.h"

#include <algorithm>

#include "engine/payload/payload_io.h"
#include "wal/change_set.h"
#include "wal/log_salvage.h"
#include "wal/segment_name.h"

namespace rawkv {
namespace {

constexpr Version kLastVersion(~uint64_t{0});

// Ends a walk at a bad record. The caller distinguishes it from a failed read by its own flag `stopped`.
Status Stop() {
  return Status::FailedPrecondition("the walk ends here");
}

}  // namespace

Result<bool> PayloadsAreWhole(PayloadIo& payload, const LogRecord& record) {
  RAWKV_ASSIGN_OR_RETURN(const ChangeSet changes, DecodeChangeSet(record.body));
  for (const KeptPayload& kept : KeptPayloads(changes)) {
    const Status verified = payload.Verify(*kept.key, *kept.ref);
    if (verified.code() == StatusCode::kCorruption) return false;
    RAWKV_RETURN_IF_ERROR(verified);
  }
  return true;
}

Result<Version> FindReachFrom(StoreContext& c, Version from, Version proven) {
  Result<std::vector<SegmentFile>> segments = ListSegmentFiles(*c.env.fs, c.paths.wal());
  if (segments.status().code() == StatusCode::kNotFound) return from;
  if (!segments.ok()) return segments.status();

  Version reach = from;
  bool stopped = false;
  const auto decodes = [&](const LogRecord& record) -> Status {
    stopped = !DecodeChangeSet(record.body).ok();
    if (stopped) return Stop();
    reach = record.head.version;
    return Status::Ok();
  };
  const Result<LogPart> part = ReadIntactRecords(c.log(), Next(from), kLastVersion, decodes);
  if (!part.ok() && !stopped) return part.status();

  const Version durable = part.ok() ? std::max(proven, part->durable_through) : proven;
  if (reach <= std::max(durable, from)) return reach;
  PayloadIo payload(*c.device.device, c.layout(), c.identity.device_uuid);
  const Version last = reach;
  stopped = false;
  const auto verify = [&](const LogRecord& record) -> Status {
    RAWKV_ASSIGN_OR_RETURN(const bool whole, PayloadsAreWhole(payload, record));
    if (whole) return Status::Ok();
    stopped = true;
    reach = Previous(record.head.version);
    return Stop();
  };
  const Result<LogPart> verified = ReadIntactRecords(c.log(), Next(std::max(durable, from)), last, verify);
  if (!verified.ok() && !stopped) return verified.status();
  return reach;
}

}  // namespace rawkv
