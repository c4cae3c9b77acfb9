#include "engine/payload/merged_reads.h"

#include <algorithm>
#include <vector>

namespace rawkv {
namespace {

// Of one transfer of several parts. Larger ones are hardly faster, and a device works on several at a time.
constexpr uint64_t kMergedBytes = 256 << 10;

struct Run {
  size_t first = 0;
  size_t count = 0;  // of parts
};

bool Continues(const IoRequest& transfer, const IoRequest& part) {
  return transfer.offset + transfer.buffer.size() == part.offset &&
         transfer.buffer.data() + transfer.buffer.size() == part.buffer.data() &&
         transfer.buffer.size() + part.buffer.size() <= kMergedBytes;
}

void SubmitAll(BlockDevice& device, std::span<IoRequest> requests, const BlockDevice::OnDone& on_done) {
  for (size_t done = 0; done < requests.size(); done += BlockDevice::kMaxBatch) {
    const size_t n = std::min(BlockDevice::kMaxBatch, requests.size() - done);
    size_t ended = 0;
    // on_done has the status of each request.
    (void)device.Submit(requests.subspan(done, n), [&](size_t i) {
      ++ended;
      on_done(done + i);
    });
    if (ended != 0) continue;
    // The device has refused the batch as a whole.
    for (size_t i = 0; i < n; ++i) on_done(done + i);
  }
}

}  // namespace

void ReadMerged(BlockDevice& device, std::span<IoRequest> parts, const BlockDevice::OnDone& on_done) {
  std::vector<IoRequest> transfers;
  std::vector<Run> runs;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!transfers.empty() && Continues(transfers.back(), parts[i])) {
      Bytes& buffer = transfers.back().buffer;
      buffer = Bytes(buffer.data(), buffer.size() + parts[i].buffer.size());
      ++runs.back().count;
    } else {
      transfers.push_back(parts[i]);
      runs.push_back({i, 1});
    }
  }
  const auto failed = [&](size_t run) { return !transfers[run].status.ok() && runs[run].count > 1; };
  SubmitAll(device, transfers, [&](size_t run) {
    if (failed(run)) return;
    for (size_t i = runs[run].first; i < runs[run].first + runs[run].count; ++i) {
      parts[i].status = transfers[run].status;
      on_done(i);
    }
  });
  for (size_t run = 0; run < runs.size(); ++run) {
    if (!failed(run)) continue;
    const size_t first = runs[run].first;
    SubmitAll(device, parts.subspan(first, runs[run].count), [&](size_t i) { on_done(first + i); });
  }
}

}  // namespace rawkv
