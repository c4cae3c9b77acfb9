#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"

namespace rawkv {

// The real filesystem, in which writes to chosen files can fail or wait.
class FailingTableFiles final : public rocksdb::FileSystemWrapper {
 public:
  enum class Fault : uint8_t { kNone, kNoSpace, kOverQuota, kTooManyOpenFiles, kIoError };

  FailingTableFiles();
  ~FailingTableFiles() override;
  const char* Name() const override { return "rawkv.FailingTableFiles"; }

  // From now on, appends to (FailAppends) or syncs of (FailSyncs) files fail if their path contains
  // `name_part`.
  void FailAppends(std::string name_part, Fault fault);
  void FailSyncs(std::string name_part, Fault fault);
  // The next `healthy` tables can be written; all later ones find no space.
  void FillUpAfter(uint64_t healthy);
  void Heal();
  // Number of appends and syncs that failed so far.
  uint64_t failures() const;

  // Threads that create a table wait until Release.
  void HoldNewTables();
  void Release();

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;

 private:
  class CheckedFile;
  struct Rule {
    std::string name_part;
    Fault fault = Fault::kNone;
  };
  rocksdb::IOStatus Answer(const Rule& rule, const std::string& path) RAWKV_REQUIRES(mu_);
  rocksdb::IOStatus OnAppend(const CheckedFile& file);
  rocksdb::IOStatus OnSync(const CheckedFile& file);

  mutable Mutex mu_;
  CondVar released_;
  bool hold_ RAWKV_GUARDED_BY(mu_) = false;
  Rule append_ RAWKV_GUARDED_BY(mu_);
  Rule sync_ RAWKV_GUARDED_BY(mu_);
  uint64_t tables_with_space_ RAWKV_GUARDED_BY(mu_) = UINT64_MAX;
  uint64_t failures_ RAWKV_GUARDED_BY(mu_) = 0;
};

}  // namespace rawkv
