// RocksDB's background threads sleep for a second after each error. Where errors come by the dozen, the
// program's own usleep makes it a fraction of that; nothing waits for the time to pass.
#include <unistd.h>

#include <chrono>
#include <thread>

extern "C" __attribute__((visibility("default"))) int usleep(useconds_t) {
  std::this_thread::sleep_for(std::chrono::microseconds(200));
  return 0;
}
