#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/result.h"

// The fuzz targets, one for each decoder. The same functions run under libFuzzer (preset fuzz) and in the
// suite (replay_test.cc). docs/testing.md, section "Fuzzing".
namespace rawkv::fuzz {

enum class Verdict : uint8_t {
  kRefused,
  kAcceptedResealed,  // only after its checksums were recomputed
  kAccepted,          // unchanged
};

struct Target {
  std::string_view name;
  // Calls the decoder with the input, and with the input after its checksums were recomputed, because almost
  // no mutation has valid checksums. A broken promise ends the process (RAWKV_CHECK).
  Verdict (*run)(ConstBytes input);
  uint64_t input_bytes_max = 4096;  // the largest input of libFuzzer and the replay
  // The most heap that a run may hold: a base, and a multiple of the input's size. It includes copies and
  // encodings that the target itself makes.
  uint64_t heap_bytes_base = 64 << 10;
  uint64_t heap_factor = 32;
};

std::span<const Target> Targets();
const Target* FindTarget(std::string_view name);

// Runs the target and checks its highest use of heap.
Verdict RunTarget(const Target& target, ConstBytes input);

// Checks that a decoder of stored bytes refuses damage with one of two codes and a message.
void CheckRefusal(const Status& status);

// Checks a refusal, or the accepted content with `check`.
template <typename Decoded, typename Check>
Verdict CheckDecoded(const Result<Decoded>& decoded, Check check) {
  if (decoded.ok()) {
    check(*decoded);
    return Verdict::kAccepted;
  }
  CheckRefusal(decoded.status());
  return Verdict::kRefused;
}

// Calls `check` with the resealed input and with the unchanged input.
template <typename Reseal, typename Check>
Verdict RawAndResealed(ConstBytes input, Reseal reseal, Check check) {
  const Verdict resealed = check(std::string_view(reseal(input)));
  const Verdict raw = check(AsStringView(input));
  return raw == Verdict::kRefused && resealed == Verdict::kAccepted ? Verdict::kAcceptedResealed : raw;
}

}  // namespace rawkv::fuzz
