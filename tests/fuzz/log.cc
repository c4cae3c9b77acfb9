#include <algorithm>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "tests/fuzz/memory_fs.h"
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

// What a scan by hand finds in the file: the store that it says it is of, and the branches of its frames in
// the order of their appearance, as the chain that makes them all live. A real STORE knows both.
struct Claims {
  SegmentHeader header;
  LineageChain chain;
};

Claims ClaimsOf(std::string_view file) {
  Claims claims;
  const Result<SegmentHeader> header = DecodeSegmentHeader(AsBytes(file), "segment");
  if (!header.ok()) {
    CheckRefusal(header.status());
    claims.header.first = kMinSegmentVersion;
    return claims;
  }
  claims.header = *header;
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
  claims.chain = LineageChain(std::move(links));
  return claims;
}

// The frames up to the first that is not good, each encoded again.
std::vector<Frame> ReadFrames(SegmentReader& reader, std::string_view file, const Claims& claims,
                              bool* newer) {
  std::vector<Frame> frames;
  ChainPoint before = reader.point();
  for (;;) {
    const Result<std::optional<Frame>> next = reader.Next();
    if (!next.ok()) {
      RAWKV_CHECK(next.status().code() == StatusCode::kNotSupported, "damage is no error here");
      *newer = true;
      return frames;
    }
    if (!next->has_value()) {
      RAWKV_CHECK(reader.why() != nullptr && *reader.why() != '\0', "the end has a reason");
      return frames;
    }
    const Frame& frame = **next;
    RAWKV_CHECK(frame.header.prev_checksum == before.checksum, "frames follow one another");
    std::string again;
    const uint64_t chain_value = AppendFrame(frame.header, FrameSeed(claims.header.store_uuid),
                                             frame.time_unix_ms, frame.body, &again);
    RAWKV_CHECK(chain_value == reader.point().checksum, "a frame means what it was written as");
    // The padding behind the payload is no one's.
    const uint64_t bytes = kFrameHeaderBytes + frame.header.payload_bytes;
    RAWKV_CHECK(file.substr(before.offset, bytes) == std::string_view(again).substr(0, bytes),
                "one frame a content");
    RAWKV_CHECK(reader.point().offset == before.offset + again.size(), "frames stand side by side");
    if (frame.header.kind == FrameKind::kRecord) {
      RAWKV_CHECK(reader.point().last == Next(before.last), "versions are dense");
      (void)DecodeChangeSet(frame.body).ok();
    }
    before = reader.point();
    frames.push_back(frame);
    frames.back().body = AsBytes(
        file.substr(before.offset - again.size() + kFrameHeaderBytes + kRecordTimeBytes, frame.body.size()));
  }
}

// ReadLog hands out exactly the records of the good part, and says so where more is asked for.
void CheckReadLog(const WalContext& context, Version first, Version last, const std::vector<Frame>& frames) {
  std::vector<const Frame*> records;
  for (const Frame& frame : frames) {
    if (frame.header.kind == FrameKind::kRecord) records.push_back(&frame);
  }
  size_t at = 0;
  const auto compare = [&](const LogRecord& record) {
    RAWKV_CHECK(at < records.size() && record.head.version == records[at]->header.version, "in order");
    RAWKV_CHECK(AsStringView(record.body) == AsStringView(records[at]->body), "as the segment has it");
    ++at;
    return Status::Ok();
  };
  RAWKV_CHECK(ReadLog(context, first, last, compare).ok() && at == records.size(), "each record once");
  at = 0;
  const Status beyond = ReadLog(context, first, Next(last), compare);
  RAWKV_CHECK(beyond.code() == StatusCode::kCorruption && at == records.size(), "a gap is an error");
}

// A log that is not corrupt is opened at its good end, takes a record, and is whole.
void CheckGoesOn(const WalContext& context, const LogScan& scan) {
  const Version next = Next(scan.last);
  // The present branch forked above the end: its record would not be on the chain.
  if (!context.chain.Contains(context.chain.current(), next)) return;
  {
    Result<std::unique_ptr<Wal>> wal = Wal::Open(context, kOptions, scan, scan.last);
    RAWKV_CHECK(wal.ok(), "a log with a torn tail opens");
    const std::string body = EncodeChangeSet({.ops = {}, .user_metadata = "next", .digest = {}});
    const std::vector<PendingRecord> group{{next, 1, AsBytes(body)}};
    RAWKV_CHECK((*wal)->PrepareSpace(Wal::FramedBytes(group)).ok(), "there is room");
    RAWKV_CHECK((*wal)->Append(group, context.chain.current(), scan.last).ok(), "it takes a record");
  }
  const Result<LogScan> after = ScanLog(context, Version(0), next);
  RAWKV_CHECK(after.ok() && after->end == LogEnd::kClean, "nothing stale revives behind a cut");
  RAWKV_CHECK(after->last == next, "the record is there");
}

Verdict CheckSegment(std::string_view file) {
  const Claims claims = ClaimsOf(file);
  MemoryFs fs;
  const SegmentFile segment{claims.header.first, kDir + "/" + SegmentName(claims.header.first), file.size()};
  fs.Put(segment.path, file);
  const WalContext context{
      .fs = &fs, .dir = kDir, .store_uuid = claims.header.store_uuid, .chain = claims.chain};
  Result<SegmentReader> reader = SegmentReader::Open(context, segment);
  if (!reader.ok()) {
    CheckRefusal(reader.status());
    return Verdict::kRefused;
  }
  bool newer = false;
  const std::vector<Frame> frames = ReadFrames(*reader, file, claims, &newer);
  const Version last = reader->point().last;
  // Names outside these bounds are none of ours: a scan does not look at such a file.
  if (segment.first < kMinSegmentVersion || segment.first > kMaxSegmentVersion) return Verdict::kRefused;
  const Result<LogScan> scan = ScanLog(context, Version(0), Version(0));
  if (!scan.ok()) {
    RAWKV_CHECK(scan.status().code() == StatusCode::kNotSupported, "damage is judged, no error");
    return Verdict::kRefused;
  }
  if (!reader->live()) {
    RAWKV_CHECK(scan->last == Previous(segment.first), "nothing of an abandoned branch's segment counts");
    CheckGoesOn(context, *scan);
    return Verdict::kRefused;
  }
  RAWKV_CHECK(!newer, "a newer frame is never passed over");
  const Result<SegmentTail> tail = reader->InspectTail();
  RAWKV_CHECK(tail.ok() && tail->nonzero_end >= reader->point().offset, "the tail lies behind the good end");
  RAWKV_CHECK(scan->last == last && scan->end_offset == reader->point().offset, "one judgement");
  RAWKV_CHECK((scan->end == LogEnd::kCorrupt) == tail->proves_durable, "corrupt if and only if proven");
  CheckReadLog(context, claims.header.first, last, frames);
  const Result<LogScan> proven = ScanLog(context, Version(0), Next(last));
  RAWKV_CHECK(proven.ok() && proven->end == LogEnd::kCorrupt, "what an index proves is missed");
  if (scan->end != LogEnd::kCorrupt) CheckGoesOn(context, *scan);
  return Verdict::kAccepted;
}

}  // namespace

Verdict FuzzWalSegment(ConstBytes input) {
  return RawAndResealed(input, ResealSegment, CheckSegment);
}

Verdict FuzzChangeSet(ConstBytes input) {
  const Result<ChangeSet> change_set = DecodeChangeSet(input);
  if (!change_set.ok()) {
    CheckRefusal(change_set.status());
    return Verdict::kRefused;
  }
  RAWKV_CHECK(EncodeChangeSet(*change_set) == AsStringView(input), "one record a content");
  return Verdict::kAccepted;
}

}  // namespace rawkv::fuzz
