#include "engine/index/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>

#include <algorithm>
#include <vector>

#include "engine/rocksdb/log_forwarder.h"

namespace rawkv {
namespace {

bool IsSupported(rocksdb::CompressionType type) {
  const std::vector<rocksdb::CompressionType> supported = rocksdb::GetSupportedCompressions();
  return std::find(supported.begin(), supported.end(), type) != supported.end();
}

// Makes StartFlush the only way to begin a flush (invariant 8), and keeps RocksDB from stalling commits
// because of its own backlog.
void DisableOwnFlushes(uint64_t memtable_bytes, rocksdb::Options* o) {
  o->write_buffer_size = size_t{64} << 30;  // RocksDB's maximum; it allocates memory only as it uses it
  // RocksDB would derive it from write_buffer_size. A block counts as used from its first byte on, so a block
  // as large as the bound would make every commit flush.
  o->arena_block_size = std::clamp<uint64_t>(memtable_bytes / 64, 4 << 10, 1 << 20);
  o->db_write_buffer_size = 0;
  // Memtables that wait for a flush do not stall writes: the engine bounds them by its own flushes.
  o->max_write_buffer_number = 1 << 16;
  // RocksDB's logs stay empty, but it would preallocate them by write_buffer_size.
  o->max_total_wal_size = 1 << 20;
  o->avoid_flush_during_shutdown = true;
  o->avoid_flush_during_recovery = true;
  o->max_bgerror_resume_count = 0;  // RocksDB's recovery flushes: see flush_listener.h
  // Flushes are rare and large, so compaction mostly keeps up. If it does not, reads become a little slower;
  // commits do not stop for seconds.
  o->level0_slowdown_writes_trigger = 1 << 30;
  o->level0_stop_writes_trigger = 1 << 30;
  o->soft_pending_compaction_bytes_limit = 0;
  o->hard_pending_compaction_bytes_limit = 0;
}

void ConfigureOpening(rocksdb::Options* o) {
  // With a finite number RocksDB opens few tables at first and the others on demand, so the time of an open
  // does not grow with the number of keys, and the open stays within the process's limit of open files. New
  // tables stay open all the same.
  o->max_open_files = 1 << 20;
  // With a finite number an open loads 16 tables at most. To start RocksDB's 15 threads for them takes longer
  // than to read them one after the other.
  o->max_file_opening_threads = 1;
  o->skip_stats_update_on_db_open = true;
  o->skip_checking_sst_file_sizes_on_db_open = true;
  o->stats_dump_period_sec = 0;
  o->stats_persist_period_sec = 0;
  // Each snapshot copies the manifest. Its space is allocated ahead, so that the record of a flush does not
  // fail for lack of room.
  o->max_manifest_file_size = 16 << 20;
  o->manifest_preallocation_size = 256 << 10;
}

void SetTableFormat(const KeyIndexOptions& options, rocksdb::Options* o) {
  rocksdb::BlockBasedTableOptions table;
  // RocksDB 7.8 and 9.10 read and write this format. The default of 9.10 is newer, and a store could not go
  // back.
  table.format_version = 5;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  o->table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Tables of a flush are not compressed: a snapshot waits for them, and a compaction soon replaces them.
  const auto lz4 = IsSupported(rocksdb::kLZ4Compression) ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  o->compression_per_level = {rocksdb::kNoCompression, lz4};
  o->level_compaction_dynamic_level_bytes = true;
  // A reclaim deletes deferred frees in the order in which it walks them. A table with many such deletions is
  // compacted soon, so that the next walk does not pass over them.
  o->table_properties_collector_factories.push_back(rocksdb::NewCompactOnDeletionCollectorFactory(
      /*sliding_window_size=*/4096, /*deletion_trigger=*/2048));
  // A snapshot's MANIFEST has the checksum of each table, which RocksDB computes while it writes the table.
  o->file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
}

}  // namespace

rocksdb::Options MakeRocksdbOptions(const KeyIndexOptions& options, rocksdb::Env* env) {
  rocksdb::Options o;
  o.env = env;
  o.create_if_missing = options.create;
  o.error_if_exists = options.create;
  o.paranoid_checks = true;
  o.info_log = ForwardRocksdbLog(options.logger, options.dir);
  o.info_log_level = rocksdb::WARN_LEVEL;
  o.allow_mmap_reads = false;
  o.allow_mmap_writes = false;
  // An insertion begins its search at the previous key of the same key space. IndexBatch orders its keys for
  // that.
  o.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  // Writes back during a flush, so that its last sync, and the sync of a concurrent commit, are short.
  o.bytes_per_sync = 1 << 20;
  DisableOwnFlushes(options.memtable_bytes, &o);
  ConfigureOpening(&o);
  SetTableFormat(options, &o);
  if (options.in_memory) o.max_open_files = -1;  // opens all tables and keeps them open
  return o;
}

}  // namespace rawkv
