#pragma once

#include <cstdint>

// Counts what goes through operator new (heap_meter.cc replaces it for the whole program). One measure at
// a time, for one thread.
namespace rawkv::fuzz {

void StartHeapMeter();
// The most that was held at once since StartHeapMeter, beyond what was held then.
uint64_t HeapPeakBytes();

}  // namespace rawkv::fuzz
