#include <algorithm>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "tests/fuzz/fuzz_disk.h"
#include "tests/fuzz/reseal.h"
#include "tests/fuzz/targets.h"
#include "wal/change_set.h"
#include "wal/segment_reader.h"
#include "wal/wal.h"

namespace rawkv::fuzz {
namespace {

const std::string kDir = "/wal";
constexpr WalOptions kOptions{.segment_bytes = 64 * 1024, .fill_step_bytes = 4096};
constexpr size_t kLinksMax = 8;

// The store that a segment names, and a chain of the branches of its frames in the order of their appearance,
// so that all frames are on the chain. In a real store, STORE holds both.
struct SegmentIdentity {
  SegmentHeader header;
  LineageChain chain;
};

SegmentIdentity SegmentIdentityOf(std::string_view file) {
  SegmentIdentity identity;
  const Result<SegmentHeader> header = DecodeSegmentHeader(AsBytes(file), "segment");
  if (!header.ok()) {
    CheckRefusal(header.status());
    identity.header.first = kMinSegmentVersion;
    return identity;
  }
  identity.header = *header;
  std::vector<LineageLink> links{{header->lineage, Lineage(), Previous(header->first)}};
  const uint64_t seed = FrameSeed(header->store_uuid);
  for (uint64_t at = kSegmentHeaderBytes; at < file.size() && links.size() < kLinksMax;
       at += kFrameStepBytes) {
    FrameHeader frame;
    if (ParseFrameHeader(AsBytes(file.substr(at)), seed, &frame) != FrameParse::kValid) continue;
    const bool known =
        std::ranges::any_of(links, [&](const LineageLink& link) { return link.id == frame.lineage; });
    const bool record = frame.kind == FrameKind::kRecord;
    if (!known) {
      links.push_back({frame.lineage, links.back().id, record ? Previous(frame.version) : frame.version});
    }
  }
  identity.chain = LineageChain(std::move(links));
  return identity;
}

// Reads the frames up to the first invalid one, and compares each with its encoding.
std::vector<Frame> ReadFrames(SegmentReader& reader, std::string_view file, const SegmentIdentity& identity,
                              bool* newer) {
  std::vector<Frame> frames;
  ChainPoint before = reader.point();
  for (;;) {
    const Result<std::optional<Frame>> next = reader.Next();
    if (!next.ok()) {
      RAWKV_CHECK(next.status().code() == StatusCode::kNotSupported, "damage must not be an error of Next()");
      *newer = true;
      return frames;
    }
    if (!next->has_value()) {
      RAWKV_CHECK(reader.why() != nullptr && *reader.why() != '\0',
                  "the end of the frames must have a reason");
      return frames;
    }
    const Frame& frame = **next;
    RAWKV_CHECK(frame.header.prev_checksum == before.checksum,
                "a frame must hold the checksum of its predecessor");
    std::string again;
    const uint64_t chain_value = AppendFrame(frame.header, FrameSeed(identity.header.store_uuid),
                                             frame.time_unix_ms, frame.body, &again);
    RAWKV_CHECK(chain_value == reader.point().checksum,
                "encoding the frame again must give the same checksum");
    // The padding after the payload is not compared.
    const uint64_t bytes = kFrameHeaderBytes + frame.header.payload_bytes;
    RAWKV_CHECK(file.substr(before.offset, bytes) == std::string_view(again).substr(0, bytes),
                "equal content must have one encoding");
    RAWKV_CHECK(reader.point().offset == before.offset + again.size(), "there must be no gap between frames");
    if (frame.header.kind == FrameKind::kRecord) {
      RAWKV_CHECK(reader.point().last == Next(before.last), "versions must be dense");
      (void)DecodeChangeSet(frame.body).ok();
    }
    before = reader.point();
    frames.push_back(frame);
    frames.back().body = AsBytes(
        file.substr(before.offset - again.size() + kFrameHeaderBytes + kRecordTimeBytes, frame.body.size()));
  }
}

// ReadLog must return exactly the good records, and an error if the caller asks for more.
void CheckReadLog(const WalContext& context, Version first, Version last, const std::vector<Frame>& frames) {
  std::vector<const Frame*> records;
  for (const Frame& frame : frames) {
    if (frame.header.kind == FrameKind::kRecord) records.push_back(&frame);
  }
  size_t at = 0;
  const auto compare = [&](const LogRecord& record) {
    RAWKV_CHECK(at < records.size() && record.head.version == records[at]->header.version,
                "records must come in order");
    RAWKV_CHECK(AsStringView(record.body) == AsStringView(records[at]->body),
                "the body must be that of the segment");
    ++at;
    return Status::Ok();
  };
  RAWKV_CHECK(ReadLog(context, first, last, compare).ok() && at == records.size(),
              "each record must come once");
  at = 0;
  const Status beyond = ReadLog(context, first, Next(last), compare);
  RAWKV_CHECK(beyond.code() == StatusCode::kCorruption && at == records.size(),
              "a missing record must be an error");
}

// A log that is not corrupt must open at its good end, accept a record and be whole afterwards.
void CheckAcceptsRecord(const WalContext& context, const LogScan& scan) {
  const Version next = Next(scan.last);
  // If the present branch forked above the end of the log, the next record would not be on the chain.
  if (!context.chain.Contains(context.chain.current(), next)) return;
  {
    Result<std::unique_ptr<Wal>> wal = Wal::Open(context, kOptions, scan, scan.last);
    RAWKV_CHECK(wal.ok(), "a log with a torn tail must open");
    const std::string body = EncodeChangeSet({.ops = {}, .user_metadata = "next", .digest = {}});
    const std::vector<PendingRecord> group{{next, 1, AsBytes(body)}};
    RAWKV_CHECK((*wal)->PrepareSpace(Wal::FramedBytes(group)).ok(), "there must be room for a record");
    RAWKV_CHECK((*wal)->Append(group, context.chain.current(), scan.last).ok(),
                "the log must accept a record");
  }
  const Result<LogScan> after = ScanLog(context, Version(0), next);
  RAWKV_CHECK(after.ok() && after->end == LogEnd::kClean, "the log must be clean after the cut");
  RAWKV_CHECK(after->last == next, "the new record must be in the log");
}

Verdict CheckSegment(std::string_view file) {
  const SegmentIdentity identity = SegmentIdentityOf(file);
  FuzzDisk disk;
  const SegmentFile segment{identity.header.first, kDir + "/" + SegmentName(identity.header.first),
                            file.size()};
  disk.Put(segment.path, file);
  const WalContext context{
      .fs = &disk.fs(), .dir = kDir, .store_uuid = identity.header.store_uuid, .chain = identity.chain};
  Result<SegmentReader> reader = SegmentReader::Open(context, segment);
  if (!reader.ok()) {
    CheckRefusal(reader.status());
    return Verdict::kRefused;
  }
  bool newer = false;
  const std::vector<Frame> frames = ReadFrames(*reader, file, identity, &newer);
  const Version last = reader->point().last;
  // A scan ignores files whose names are outside these bounds.
  if (segment.first < kMinSegmentVersion || segment.first > kMaxSegmentVersion) return Verdict::kRefused;
  const Result<LogScan> scan = ScanLog(context, Version(0), Version(0));
  if (!scan.ok()) {
    RAWKV_CHECK(scan.status().code() == StatusCode::kNotSupported, "damage must not be an error of ScanLog");
    return Verdict::kRefused;
  }
  if (!reader->live()) {
    RAWKV_CHECK(scan->last == Previous(segment.first), "a segment of an abandoned branch must not count");
    CheckAcceptsRecord(context, *scan);
    return Verdict::kRefused;
  }
  RAWKV_CHECK(!newer, "a frame of a newer format must be an error");
  const Result<SegmentTail> tail = reader->InspectTail();
  RAWKV_CHECK(tail.ok() && tail->nonzero_end >= reader->point().offset,
              "the tail must begin at the good end");
  RAWKV_CHECK(scan->last == last && scan->end_offset == reader->point().offset,
              "scan and reader must find the same end");
  RAWKV_CHECK((scan->end == LogEnd::kCorrupt) == tail->proves_durable,
              "the end is corrupt if and only if the tail was durable");
  CheckReadLog(context, identity.header.first, last, frames);
  const Result<LogScan> proven = ScanLog(context, Version(0), Next(last));
  RAWKV_CHECK(proven.ok() && proven->end == LogEnd::kCorrupt,
              "a proven version after the end must make it corrupt");
  if (scan->end != LogEnd::kCorrupt) CheckAcceptsRecord(context, *scan);
  return Verdict::kAccepted;
}

}  // namespace

Verdict FuzzWalSegment(ConstBytes input) {
  return RawAndResealed(input, ResealSegment, CheckSegment);
}

Verdict FuzzChangeSet(ConstBytes input) {
  return CheckDecoded(DecodeChangeSet(input), [&](const ChangeSet& change_set) {
    RAWKV_CHECK(EncodeChangeSet(change_set).size() <= input.size(),
                "no encoding is shorter than the written one");
  });
}

}  // namespace rawkv::fuzz
