// RocksDB's background threads sleep for a second after each error. In tests with many errors, this usleep of
// the program shortens that. No test depends on the time.
#include <unistd.h>

#include <chrono>
#include <thread>

extern "C" __attribute__((visibility("default"))) int usleep(useconds_t) {
  std::this_thread::sleep_for(std::chrono::microseconds(200));
  return 0;
}
