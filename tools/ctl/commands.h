#pragma once

#include "tools/ctl/command.h"

// The commands. command_table.cc and docs/cli.md document their arguments and output.
namespace rawkv::ctl {

// cmd_format.cc
Result<ExitStatus> RunFormat(Invocation& call);
// cmd_info.cc
Result<ExitStatus> RunInfo(Invocation& call);
// cmd_set.cc
Result<ExitStatus> RunSet(Invocation& call);
Result<ExitStatus> RunAcknowledge(Invocation& call);
// cmd_key.cc
Result<ExitStatus> RunPut(Invocation& call);
Result<ExitStatus> RunGet(Invocation& call);
Result<ExitStatus> RunDel(Invocation& call);
// cmd_scan.cc
Result<ExitStatus> RunScan(Invocation& call);
// cmd_dump.cc
Result<ExitStatus> RunDump(Invocation& call);
// cmd_apply.cc; also runs `load`
Result<ExitStatus> RunApply(Invocation& call);
// cmd_snapshot.cc
Result<ExitStatus> RunSnapshotCreate(Invocation& call);
Result<ExitStatus> RunSnapshotList(Invocation& call);
Result<ExitStatus> RunSnapshotVerify(Invocation& call);
Result<ExitStatus> RunSnapshotDelete(Invocation& call);
Result<ExitStatus> RunSnapshotPrune(Invocation& call);
Result<ExitStatus> RunSnapshotPin(Invocation& call);
Result<ExitStatus> RunSnapshotUnpin(Invocation& call);
// cmd_rollback.cc
Result<ExitStatus> RunRollback(Invocation& call);
// cmd_export.cc
Result<ExitStatus> RunExport(Invocation& call);
Result<ExitStatus> RunImport(Invocation& call);
// cmd_checkpoint.cc
Result<ExitStatus> RunCheckpoint(Invocation& call);
Result<ExitStatus> RunRebuild(Invocation& call);
// cmd_device.cc
Result<ExitStatus> RunDeviceTrim(Invocation& call);
Result<ExitStatus> RunDeviceGrow(Invocation& call);
// cmd_cache.cc
Result<ExitStatus> RunCacheStats(Invocation& call);
Result<ExitStatus> RunCacheEvict(Invocation& call);
Result<ExitStatus> RunCachePin(Invocation& call);
Result<ExitStatus> RunCacheUnpin(Invocation& call);
// cmd_wal.cc
Result<ExitStatus> RunWalList(Invocation& call);
Result<ExitStatus> RunWalDump(Invocation& call);
Result<ExitStatus> RunWalVerify(Invocation& call);
// cmd_fsck.cc
Result<ExitStatus> RunFsck(Invocation& call);
// cmd_stats.cc
Result<ExitStatus> RunStats(Invocation& call);
// cmd_top.cc
Result<ExitStatus> RunTop(Invocation& call);
// cmd_version.cc
Result<ExitStatus> RunVersion(Invocation& call);
// cmd_completion.cc
Result<ExitStatus> RunCompletion(Invocation& call);
// cmd_shell.cc
Result<ExitStatus> RunShell(Invocation& call);
// cmd_help.cc
Result<ExitStatus> RunHelp(Invocation& call);
// cmd_log.cc
Result<ExitStatus> RunLog(Invocation& call);
// cmd_diff.cc
Result<ExitStatus> RunDiff(Invocation& call);
// cmd_scrub.cc
Result<ExitStatus> RunScrub(Invocation& call);

}  // namespace rawkv::ctl
