# RAWKV_SANITIZE names the sanitizers of a build: "address;undefined" or "thread" (presets asan and
# tsan), or "fuzzer-no-link;address;undefined" with clang (preset fuzz). They apply to every file of the
# build, including generated ones.

set(RAWKV_SANITIZE "" CACHE STRING
    "Sanitizers: empty, \"address;undefined\", \"thread\" or \"fuzzer-no-link;address;undefined\"")

if(RAWKV_SANITIZE)
  string(REPLACE ";" "," sanitizers "${RAWKV_SANITIZE}")
  add_compile_options(-fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${sanitizers})
  # These checks of UndefinedBehaviorSanitizer take a fifth of the time to compile. AddressSanitizer detects most of what
  # they would: the use of a null pointer, and of memory outside an object.
  if("undefined" IN_LIST RAWKV_SANITIZE)
    add_compile_options(-fno-sanitize=null,object-size,vptr)
  endif()
endif()

# The ThreadSanitizer of GCC 12 cannot map its shadow memory if the kernel randomizes more than 28 bits of an address. On
# such a kernel the tests run without address randomization.
if("thread" IN_LIST RAWKV_SANITIZE AND EXISTS /proc/sys/vm/mmap_rnd_bits)
  file(READ /proc/sys/vm/mmap_rnd_bits mmap_rnd_bits)
  if(mmap_rnd_bits GREATER 28)
    set(CMAKE_CROSSCOMPILING_EMULATOR setarch -R)
  endif()
endif()
