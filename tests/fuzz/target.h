#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/status.h"

// What is fuzzed: one target a decoder. The same functions run under libFuzzer (preset fuzz) and as a
// replay in the suite (replay_test.cc). docs/testing.md, section Fuzzing.
namespace rawkv::fuzz {

enum class Verdict : uint8_t {
  kRefused,
  kAcceptedResealed,  // only once its checksums were put right
  kAccepted,          // as it stands
};

struct Target {
  std::string_view name;
  // Feeds the decoder with the input, and with the input after its checksums were put right, since next
  // to no mutation would get past them. A promise that does not hold ends the process (RAWKV_CHECK).
  Verdict (*run)(ConstBytes input);
  uint64_t input_bytes_max = 4096;  // what libFuzzer and the replay make inputs up to
  // Heap that a run may hold at once: so much, and so much more for each byte of input. Includes what the
  // target itself copies and encodes again.
  uint64_t heap_bytes_base = 64 << 10;
  uint64_t heap_factor = 32;
};

std::span<const Target> Targets();
const Target* FindTarget(std::string_view name);

// Runs the target and checks the heap that it took at its peak.
Verdict RunTarget(const Target& target, ConstBytes input);

// A decoder of stored bytes answers damage with one of two codes and says what is wrong.
void CheckRefusal(const Status& status);

// `check` on what `reseal` makes of the input, and on the input as it stands.
template <typename Reseal, typename Check>
Verdict RawAndResealed(ConstBytes input, Reseal reseal, Check check) {
  const Verdict resealed = check(std::string_view(reseal(input)));
  const Verdict raw = check(AsStringView(input));
  return raw == Verdict::kRefused && resealed == Verdict::kAccepted ? Verdict::kAcceptedResealed : raw;
}

}  // namespace rawkv::fuzz
