#pragma once

#include <cstdint>

// Measures the memory that operator new gives out (heap_meter.cc replaces it in the whole program). One
// measurement at a time, for one thread.
namespace rawkv::fuzz {

void StartHeapMeter();
// The highest use since StartHeapMeter, beyond the use at that time.
uint64_t HeapPeakBytes();

}  // namespace rawkv::fuzz
