#include "engine/rocksdb/log_forwarder.h"

#include <rocksdb/env.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <utility>

namespace rawkv {
namespace {

class LogForwarder final : public rocksdb::Logger {
 public:
  LogForwarder(rawkv::Logger* to, std::string dir)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), to_(to), dir_(std::move(dir)) {}

  using rocksdb::Logger::Logv;
  void LogHeader(const char*, va_list) override {}
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (to_ == nullptr || level < rocksdb::WARN_LEVEL || level > rocksdb::FATAL_LEVEL) return;
    // Longer messages, which are lists of files, are cut.
    char text[1024];
    const int wanted = std::vsnprintf(text, sizeof(text), format, arguments);
    const size_t length = std::min<size_t>(wanted < 0 ? 0 : static_cast<size_t>(wanted), sizeof(text) - 1);
    // RocksDB warns of ordinary events, on which no operator needs to act, so its warnings become
    // information.
    to_->Log(level == rocksdb::WARN_LEVEL ? LogLevel::kInfo : LogLevel::kError,
             "index " + dir_ + ": RocksDB: " + std::string(text, length));
  }

 private:
  rawkv::Logger* const to_;
  const std::string dir_;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> ForwardRocksdbLog(Logger* to, std::string dir) {
  return std::make_shared<LogForwarder>(to, std::move(dir));
}

}  // namespace rawkv
