// A second process that holds a store open, with --read_only for reading. It opens the store named by its
// first argument and writes one byte to stdout. When stdin ends, the process ends without closing the store,
// and the kernel releases the locks.
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "engine/engine.h"

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 2;
  rawkv::OpenOptions options;
  options.read_only = argc == 3 && std::string_view(argv[2]) == "--read_only";
  options.env.logger = &rawkv::NullLogger();
  const rawkv::Result<std::unique_ptr<rawkv::Engine>> opened = rawkv::Engine::Open(argv[1], options);
  if (!opened.ok()) {
    std::fprintf(stderr, "store_holder: %s\n", opened.status().ToString().c_str());
    return 1;
  }
  char byte = 'o';
  if (write(STDOUT_FILENO, &byte, 1) != 1) return 1;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  _exit(0);
}
