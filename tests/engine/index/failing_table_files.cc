#include "tests/engine/index/failing_table_files.h"

#include <utility>

namespace rawkv {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class FailingTableFiles::CheckedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  CheckedFile(FailingTableFiles& fs, std::string path, bool has_space,
              std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), fs_(fs), path_(std::move(path)), has_space_(has_space) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = fs_.OnAppend(*this);
    return status.ok() ? target()->Append(data, options, debug) : status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& info,
                  IODebugContext* debug) override {
    IOStatus status = fs_.OnAppend(*this);
    return status.ok() ? target()->Append(data, options, info, debug) : status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = fs_.OnSync(*this);
    return status.ok() ? target()->Sync(options, debug) : status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = fs_.OnSync(*this);
    return status.ok() ? target()->Fsync(options, debug) : status;
  }
  const std::string& path() const { return path_; }
  bool has_space() const { return has_space_; }

 private:
  FailingTableFiles& fs_;
  const std::string path_;
  const bool has_space_;
};

FailingTableFiles::FailingTableFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
FailingTableFiles::~FailingTableFiles() = default;

IOStatus FailingTableFiles::Answer(const Rule& rule, const std::string& path) {
  if (rule.fault == Fault::kNone || path.find(rule.name_part) == std::string::npos) return IOStatus::OK();
  ++failures_;
  // RocksDB's own files report the last two faults with these texts and the plain code kIOError.
  switch (rule.fault) {
    case Fault::kNoSpace:
      return IOStatus::NoSpace("injected");
    case Fault::kOverQuota:
      return IOStatus::IOError("injected", "Disk quota exceeded");
    case Fault::kTooManyOpenFiles:
      return IOStatus::IOError("injected", "Too many open files");
    default:
      return IOStatus::IOError("injected");
  }
}

void FailingTableFiles::FailAppends(std::string name_part, Fault fault) {
  MutexLock lock(mu_);
  append_ = {std::move(name_part), fault};
}

void FailingTableFiles::FailSyncs(std::string name_part, Fault fault) {
  MutexLock lock(mu_);
  sync_ = {std::move(name_part), fault};
}

void FailingTableFiles::FillUpAfter(uint64_t healthy) {
  MutexLock lock(mu_);
  tables_with_space_ = healthy;
}

void FailingTableFiles::Heal() {
  MutexLock lock(mu_);
  append_ = {};
  sync_ = {};
  tables_with_space_ = UINT64_MAX;
}

uint64_t FailingTableFiles::failures() const {
  MutexLock lock(mu_);
  return failures_;
}

void FailingTableFiles::HoldNewTables() {
  MutexLock lock(mu_);
  hold_ = true;
}

void FailingTableFiles::Release() {
  MutexLock lock(mu_);
  hold_ = false;
  released_.NotifyAll();
}

IOStatus FailingTableFiles::OnAppend(const CheckedFile& file) {
  MutexLock lock(mu_);
  if (!file.has_space()) return Answer({".sst", Fault::kNoSpace}, file.path());
  return Answer(append_, file.path());
}

IOStatus FailingTableFiles::OnSync(const CheckedFile& file) {
  MutexLock lock(mu_);
  return Answer(sync_, file.path());
}

IOStatus FailingTableFiles::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                            std::unique_ptr<rocksdb::FSWritableFile>* file,
                                            IODebugContext* debug) {
  bool has_space = true;
  if (path.ends_with(".sst")) {
    MutexLock lock(mu_);
    while (hold_) released_.Wait(mu_);
    has_space = tables_with_space_ > 0;
    if (has_space) --tables_with_space_;
  }
  IOStatus status = FileSystemWrapper::NewWritableFile(path, options, file, debug);
  if (status.ok()) *file = std::make_unique<CheckedFile>(*this, path, has_space, std::move(*file));
  return status;
}

}  // namespace rawkv
