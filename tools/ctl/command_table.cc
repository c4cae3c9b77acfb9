#include "tools/ctl/command_table.h"

#include <algorithm>

#include "tools/ctl/commands.h"

namespace rawkv::ctl {
namespace {

using FlagNames = std::vector<std::string_view>;

// Of commands that open the store for work.
const FlagNames kOpenFlags = {
    "engine", "device", "read_only", "durability", "snapshot_interval", "keep_recent", "wal_segment_bytes"};
// Of commands that look at a closed store.
const FlagNames kInspectFlags = {"engine", "device"};
// Of commands that make a store.
const FlagNames kMakeFlags = {
    "device", "capacity",          "slot_bytes",  "header_bytes",      "inline_bytes", "digest",
    "force",  "snapshot_interval", "keep_recent", "wal_segment_bytes", "durability"};

FlagNames operator+(FlagNames a, const FlagNames& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const std::vector<Command> kCommands = {
    {.name = "format",
     .flags = FlagNames{"initial_version"} + kMakeFlags,
     .summary = "make a store",
     .details =
         "Without --device the payload goes to a sparse file device.img of --capacity in the store's\n"
         "directory. A device path that is absent is created as a file of --capacity; an existing file\n"
         "keeps its size. Refused (3) where a store or a foreign signature is, unless --force.",
     .example = "rawkv-ctl format --store=/var/lib/state --capacity=10GiB",
     .run = RunFormat},
    {.name = "info",
     .flags = kOpenFlags,
     .summary = "identity, versions, snapshots, space, health",
     .details = "Works beside a writer in another process, and says so; space is then that of the current\n"
                "snapshot. Of a store that does not open it prints what can be read and ends with 4.",
     .example = "rawkv-ctl info --store=/var/lib/state --json",
     .run = RunInfo},
    {.name = "put",
     .arguments = "KEY [VALUE]",
     .arguments_min = 1,
     .arguments_max = 2,
     .flags = FlagNames{"key_b64", "file"} + kOpenFlags,
     .summary = "commit one key; prints the version",
     .details =
         "The value is VALUE or the content of --file, - being standard input. A value that starts with\n"
         "a dash goes behind --. With --key_b64 leave out KEY.",
     .example = "rawkv-ctl put config/mode fast --store=/var/lib/state",
     .run = RunPut},
    {.name = "get",
     .arguments = "KEY",
     .arguments_min = 1,
     .arguments_max = 1,
     .flags = FlagNames{"key_b64", "version", "out"} + kOpenFlags,
     .summary = "read one key; prints the raw bytes",
     .details =
         "At --version, else at the tip. --out replaces the file in one step. Ends with 1, having touched\n"
         "nothing, when there is no such key; with 3 when the version is not kept.",
     .example = "rawkv-ctl get config/mode --version=41 --store=/var/lib/state",
     .run = RunGet},
    {.name = "del",
     .arguments = "KEY",
     .arguments_min = 1,
     .arguments_max = 1,
     .flags = FlagNames{"key_b64"} + kOpenFlags,
     .summary = "commit a deletion; prints the version",
     .details = "Deleting a key that is not there makes a version, too.",
     .example = "rawkv-ctl del config/mode --store=/var/lib/state",
     .run = RunDel},
    {.name = "scan",
     .flags = FlagNames{"prefix", "prefix_b64", "version", "limit", "sha256"} + kOpenFlags,
     .summary = "list keys in byte order",
     .details = "Text: escaped key, tab, size, tab, version that wrote it; with --sha256 one more column.",
     .example = "rawkv-ctl scan --prefix=config/ --json --store=/var/lib/state",
     .run = RunScan},
    {.name = "apply",
     .arguments = "FILE|-",
     .arguments_min = 1,
     .arguments_max = 1,
     .flags = kOpenFlags,
     .summary = "commit change sets from JSON Lines",
     .details =
         "One change set a line:\n"
         "  {\"version\":7,\n"
         "   \"put\":[{\"key\":\"k\",\"value\":\"v\"},{\"key\":\"k2\",\"value_b64\":\"AAE=\"},\n"
         "          {\"key_b64\":\"/w==\",\"value_file\":\"path\"}],\n"
         "   \"delete\":[\"k4\",{\"key_b64\":\"/g==\"}],\"metadata\":\"block 7\"}\n"
         "(on one line; every field may be left out, {} is a version). Prints each version the moment\n"
         "that it is durable. Stops at the first bad line and names it; earlier ones stay.",
     .example = "rawkv-ctl apply changes.jsonl --store=/var/lib/state",
     .run = RunApply},
    {.name = "snapshot create",
     .flags = kOpenFlags,
     .summary = "make a snapshot of the tip; prints its version",
     .details = "Where the tip has one already, nothing changes. Retention applies afterwards.",
     .example = "rawkv-ctl snapshot create --store=/var/lib/state",
     .run = RunSnapshotCreate},
    {.name = "snapshot list",
     .flags = kInspectFlags,
     .summary = "list snapshots, ascending",
     .details = "Works beside a writer in another process.",
     .example = "rawkv-ctl snapshot list --store=/var/lib/state",
     .run = RunSnapshotList},
    {.name = "snapshot verify",
     .flags = FlagNames{"version"} + kInspectFlags,
     .summary = "read snapshots whole and check them",
     .details = "Without --version all of them. Ends with 1 when one is damaged.",
     .example = "rawkv-ctl snapshot verify --version=42 --store=/var/lib/state",
     .run = RunSnapshotVerify},
    {.name = "snapshot delete",
     .flags = FlagNames{"version"} + kOpenFlags,
     .summary = "delete the snapshot of --version",
     .details =
         "The current one's link moves to the newest other snapshot first. Refused (3): absent, pinned,\n"
         "the only one.",
     .example = "rawkv-ctl snapshot delete --version=42 --store=/var/lib/state",
     .run = RunSnapshotDelete},
    {.name = "snapshot prune",
     .flags = FlagNames{"keep"} + kOpenFlags,
     .summary = "apply retention now; prints the versions removed",
     .details = "Keeps --keep unpinned snapshots besides the newest.",
     .example = "rawkv-ctl snapshot prune --keep=0 --store=/var/lib/state",
     .run = RunSnapshotPrune},
    {.name = "snapshot pin",
     .flags = FlagNames{"name", "version"} + kOpenFlags,
     .summary = "hold a version by --name; prints it",
     .details =
         "Without --version the tip, of which a snapshot is made. Refused (3): no snapshot there, or the\n"
         "name holds another version.",
     .example = "rawkv-ctl snapshot pin --name=before-upgrade --store=/var/lib/state",
     .run = RunSnapshotPin},
    {.name = "snapshot unpin",
     .flags = FlagNames{"name", "version"} + kOpenFlags,
     .summary = "let go of the pin --name",
     .details = "With --version only if that is the version it holds.",
     .example = "rawkv-ctl snapshot unpin --name=before-upgrade --store=/var/lib/state",
     .run = RunSnapshotUnpin},
    {.name = "rollback",
     .flags = FlagNames{"version", "dry_run", "drop_pins", "yes"} + kInspectFlags,
     .summary = "go back to --version for good",
     .details =
         "Prints the plan, then asks on a terminal unless --yes; without either it refuses (3). Works on\n"
         "a store that does not open. --dry_run changes nothing and ends with 3 where the act would be\n"
         "refused.",
     .example = "rawkv-ctl rollback --version=41 --yes --store=/var/lib/state",
     .run = RunRollback},
    {.name = "export",
     .flags = FlagNames{"version", "out", "chunk_bytes", "base", "list"} + kOpenFlags,
     .summary = "write a version's content to a directory",
     .details =
         "--version and --out (absent or empty) are needed. Or --list=DIR alone: prints the chunks of an\n"
         "export that was made earlier.",
     .example = "rawkv-ctl export --version=41 --out=/backup/41 --store=/var/lib/state",
     .run = RunExport},
    {.name = "import",
     .flags = FlagNames{"in"} + kMakeFlags,
     .summary = "make a new store from an export",
     .details = "The new store's first version is the export's.",
     .example = "rawkv-ctl import --in=/backup/41 --store=/var/lib/copy --capacity=10GiB",
     .run = RunImport},
    {.name = "wal list",
     .flags = kInspectFlags,
     .summary = "list the changelog's segments",
     .details = "Works beside a writer in another process.",
     .example = "rawkv-ctl wal list --store=/var/lib/state",
     .run = RunWalList},
    {.name = "wal dump",
     .flags = kInspectFlags,
     .summary = "list the changelog's records",
     .details = "Ends with 4 at damage, after the rows before it.",
     .example = "rawkv-ctl wal dump --json --store=/var/lib/state",
     .run = RunWalDump},
    {.name = "wal verify",
     .flags = kInspectFlags,
     .summary = "check every segment and record of the changelog",
     .details = "Ends with 1 when there is damage.",
     .example = "rawkv-ctl wal verify --store=/var/lib/state",
     .run = RunWalVerify},
    {.name = "fsck",
     .flags = FlagNames{"deep", "repair", "dry_run", "yes"} + kInspectFlags,
     .summary = "check the whole store; with --repair put right what can be",
     .details =
         "Ends with 1 when there is damage. What the next open puts right by itself is a note. Without\n"
         "--repair nothing is changed. With it, damaged things are built anew or moved aside; what would\n"
         "give up versions is shown (--dry_run) and done only after a yes, or with --yes.",
     .example = "rawkv-ctl fsck --deep --store=/var/lib/state",
     .run = RunFsck},
    {.name = "stats",
     .flags = FlagNames{"prometheus"} + kOpenFlags,
     .summary = "counters and sizes",
     .details = "Opens the store; the counters are those of this opening.",
     .example = "rawkv-ctl stats --json --store=/var/lib/state",
     .run = RunStats},
    {.name = "diff",
     .flags = FlagNames{"from", "to"} + kOpenFlags,
     .summary = "keys that differ between two versions (not supported yet)",
     .details = "",
     .example = "rawkv-ctl diff --from=40 --to=41 --store=/var/lib/state",
     .run = RunDiff},
    {.name = "scrub",
     .flags = FlagNames{"rate", "restart"} + kOpenFlags,
     .summary = "read and verify everything, at a bounded rate",
     .details = "Superblocks, changelog, snapshots, and every payload that a retained version names. A pass\n"
                "that was interrupted is gone on with, unless --restart. Ends with 1 when there is damage.",
     .example = "rawkv-ctl scrub --rate=200MiB --store=/var/lib/state",
     .run = RunScrub},
    {.name = "version",
     .summary = "the program's version and the formats it reads",
     .details = "",
     .example = "rawkv-ctl version --json",
     .run = RunVersion},
    {.name = "help",
     .arguments = "[COMMAND]",
     .arguments_max = 2,
     .summary = "this text, or a command's",
     .details = "",
     .example = "rawkv-ctl help rollback",
     .run = RunHelp},
};

}  // namespace

std::span<const Command> Commands() {
  return kCommands;
}

const Command* FindCommand(std::string_view name) {
  const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                  [name](const Command& command) { return command.name == name; });
  return found == kCommands.end() ? nullptr : &*found;
}

bool IsCommandGroup(std::string_view word) {
  return !word.empty() && !CommandWords(word).empty();
}

std::vector<std::string> CommandWords(std::string_view group) {
  std::vector<std::string> words;
  for (const Command& command : kCommands) {
    const size_t space = command.name.find(' ');
    if (!group.empty()) {
      if (space != std::string_view::npos && command.name.substr(0, space) == group) {
        words.emplace_back(command.name.substr(space + 1));
      }
    } else if (const auto word = command.name.substr(0, space); words.empty() || words.back() != word) {
      words.emplace_back(word);
    }
  }
  return words;
}

std::vector<std::string> FlagsOf(const Command& command) {
  std::vector<std::string> names(command.flags.begin(), command.flags.end());
  names.insert(names.end(), {"store", "json"});
  return names;
}

}  // namespace rawkv::ctl
