#include "engine/rocksdb/flush_listener.h"

#include <rocksdb/listener.h>

#include <atomic>
#include <utility>

#include "engine/rocksdb/rocksdb_status.h"

namespace rawkv {
namespace {

using rocksdb::BackgroundErrorReason;

class FlushListener final : public rocksdb::EventListener {
 public:
  FlushListener(std::shared_ptr<FlushTracker> tracker, rawkv::Logger* logger, std::string dir)
      : tracker_(std::move(tracker)), logger_(logger), dir_(std::move(dir)) {}

  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo& info) override {
    tracker_->Done(info.largest_seqno);
  }

  void OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo& info) override {
    if (info.status.ok()) compaction_short_of_space_ = false;
  }

  // Runs before RocksDB notes the error; setting it to OK keeps the index writable.
  void OnBackgroundError(BackgroundErrorReason reason, rocksdb::Status* error) override {
    const bool flush =
        reason == BackgroundErrorReason::kFlush || reason == BackgroundErrorReason::kFlushNoWAL;
    const Status cause = FromRocksdb(*error, "flushing index " + dir_);
    if (cause.lacks_resource() && flush) {
      tracker_->FailForNow(cause);
      *error = rocksdb::Status::OK();
      return;
    }
    if (cause.lacks_resource() && reason == BackgroundErrorReason::kCompaction) {
      // RocksDB tries again each second, so only the first failure is logged.
      if (!compaction_short_of_space_.exchange(true)) {
        Log(LogLevel::kWarning, FromRocksdb(*error, "compacting index " + dir_ + ", will be tried again"));
      }
      *error = rocksdb::Status::OK();
      return;
    }
    // A failed write of the manifest is lasting, too, whatever the cause: until it is reopened, RocksDB does
    // not know which files are on disk.
    Status failure = FromRocksdb(*error, "index " + dir_ + " stopped writing until the store is reopened");
    // More room or descriptors do not cure a lasting failure.
    if (failure.lacks_resource()) failure = Status::IoError(failure.message());
    Log(LogLevel::kError, failure);
    tracker_->Fail(failure);
  }

  void OnErrorRecoveryBegin(BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  void Log(LogLevel level, const Status& status) {
    if (logger_ != nullptr) logger_->Log(level, status.ToString());
  }

  const std::shared_ptr<FlushTracker> tracker_;
  rawkv::Logger* const logger_;
  const std::string dir_;
  std::atomic<bool> compaction_short_of_space_ = false;
};

}  // namespace

std::shared_ptr<rocksdb::EventListener> MakeFlushListener(std::shared_ptr<FlushTracker> tracker,
                                                          Logger* logger, std::string dir) {
  return std::make_shared<FlushListener>(std::move(tracker), logger, std::move(dir));
}

}  // namespace rawkv
