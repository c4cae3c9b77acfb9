// A library to preload into a program: it turns ENOSPC of a full filesystem into EDQUOT, which a user's or
// project's quota gives.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>

namespace {

template <typename Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

template <typename Answer>
Answer OverQuota(Answer answer) {
  if (answer < 0 && errno == ENOSPC) errno = EDQUOT;
  return answer;
}

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))
#define PASSED_ON(type, name, parameters, arguments)          \
  EXPORTED type name parameters {                             \
    static const auto real = Real<type(*) parameters>(#name); \
    return OverQuota(real arguments);                         \
  }

PASSED_ON(ssize_t, write, (int fd, const void* bytes, size_t count), (fd, bytes, count))
PASSED_ON(ssize_t, pwrite, (int fd, const void* bytes, size_t count, off_t at), (fd, bytes, count, at))
PASSED_ON(ssize_t, pwrite64, (int fd, const void* bytes, size_t count, off64_t at), (fd, bytes, count, at))
PASSED_ON(int, fallocate, (int fd, int mode, off_t at, off_t count), (fd, mode, at, count))
PASSED_ON(int, ftruncate, (int fd, off_t size), (fd, size))
PASSED_ON(int, mkdir, (const char* path, mode_t mode), (path, mode))
PASSED_ON(int, link, (const char* from, const char* to), (from, to))
PASSED_ON(int, symlink, (const char* from, const char* to), (from, to))
PASSED_ON(int, rename, (const char* from, const char* to), (from, to))
PASSED_ON(int, fsync, (int fd), (fd))
PASSED_ON(int, fdatasync, (int fd), (fd))

#define PASSED_ON_OPEN(name)                                              \
  EXPORTED int name(const char* path, int flags, ...) {                   \
    static const auto real = Real<int (*)(const char*, int, ...)>(#name); \
    va_list rest;                                                         \
    va_start(rest, flags);                                                \
    const mode_t mode = va_arg(rest, mode_t);                             \
    va_end(rest);                                                         \
    return OverQuota(real(path, flags, mode));                            \
  }

PASSED_ON_OPEN(open)
PASSED_ON_OPEN(open64)
