#include "tools/ctl/command_table.h"

#include <algorithm>

#include "tools/ctl/commands.h"
#include "tools/ctl/setting_flags.h"

namespace rawkv::ctl {
namespace {

using FlagNames = std::vector<std::string_view>;

FlagNames operator+(FlagNames a, const FlagNames& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Flags of commands that open the store.
const FlagNames kOpenFlags =
    FlagNames{"engine", "device", "wait", "read_only", "accept_older_store"} + SettingNames();
// Flags that select keys.
const FlagNames kKeyFlags = {"prefix", "prefix_b64", "from", "to", "from_b64", "to_b64"};
// Flags of commands that read a closed store.
const FlagNames kInspectFlags = {"engine", "device", "wait"};
// Flags of commands that make a store.
const FlagNames kFormatFlags =
    FlagNames{"device", "capacity", "slot_bytes",  "header_bytes",    "inline_bytes",
              "digest", "force",    "preallocate", "meta_total_bytes"} +
    SettingNames();

const std::vector<Command> kCommands = {
    {.name = "format",
     .flags = FlagNames{"initial_version"} + kFormatFlags,
     .summary = "make a store",
     .details =
         "Without --device the payload goes to device.img, a sparse file of --capacity bytes in the store's\n"
         "directory. An absent device path is created as a file of --capacity bytes; an existing file keeps\n"
         "its size. Refused (3) if a store or a foreign signature is there, unless --force is given.",
     .example = "rawkv-ctl format --store=/var/lib/state --capacity=10GiB",
     .run = RunFormat},
    {.name = "info",
     .flags = kOpenFlags,
     .summary = "identity, versions, snapshots, space, health",
     .details =
         "Changes nothing. Works while another process has the store open, and then shows what that process\n"
         "reports about itself; the space is then that of the current snapshot. If the store cannot be\n"
         "opened, info prints the readable part and ends with 4.",
     .example = "rawkv-ctl info --store=/var/lib/state --json",
     .run = RunInfo},
    {.name = "set",
     .arguments = "SETTING=VALUE…",
     .arguments_min = 1,
     .arguments_max = std::tuple_size_v<decltype(kSettings)>,
     .flags = kInspectFlags,
     .summary = "change settings of the store for good",
     .details = SettingsHelp() + "Prints all settings. If one is wrong, none is changed.",
     .example = "rawkv-ctl set keep_for=7d snapshot_interval=1000 --store=/var/lib/state",
     .run = RunSet},
    {.name = "acknowledge",
     .flags = kInspectFlags,
     .summary = "end the report of given-up history; prints the number of versions",
     .details = "info shows until then which versions the settings would keep, but were given up for space.",
     .example = "rawkv-ctl acknowledge --store=/var/lib/state",
     .run = RunAcknowledge},
    {.name = "put",
     .arguments = "KEY [VALUE]",
     .arguments_min = 1,
     .arguments_max = 2,
     .flags = FlagNames{"key_b64", "file"} + kOpenFlags,
     .summary = "commit one key; prints the version",
     .details =
         "The value is VALUE or the content of --file; --file=- is standard input. Write -- before a value\n"
         "that starts with a dash. Leave out KEY if --key_b64 is given.",
     .example = "rawkv-ctl put config/mode fast --store=/var/lib/state",
     .run = RunPut},
    {.name = "get",
     .arguments = "KEY [KEY …]",
     .arguments_min = 1,
     .arguments_max = kManyArguments,
     .flags = FlagNames{"key_b64", "version", "time", "out"} + kOpenFlags,
     .summary = "read keys; prints the raw bytes of one key, or a row for each of several",
     .details =
         "Reads at --version, at --time, or at the tip. Of several keys each is one line: key, tab, value, "
         "both "
         "escaped\n"
         "as in scan. --out replaces the file in one step. Ends with 1 and changes nothing if there is no\n"
         "such key; ends with 3 if the version is not kept. Works while another process has the store open.",
     .example = "rawkv-ctl get config/mode --version=41 --store=/var/lib/state",
     .run = RunGet},
    {.name = "del",
     .arguments = "[KEY]",
     .arguments_max = 1,
     .flags = FlagNames{"key_b64"} + kKeyFlags + FlagNames{"yes"} + kOpenFlags,
     .summary = "commit a deletion; prints the version",
     .details =
         "The deletion of an absent key also makes a version. --prefix, or --from and --to, delete all keys\n"
         "that begin with P, or from A up to but without B, in one version. They ask on a terminal unless\n"
         "--yes is given, and print the version, a tab and the number of keys.",
     .example = "rawkv-ctl del config/mode --store=/var/lib/state",
     .run = RunDel},
    {.name = "scan",
     .flags = kKeyFlags + FlagNames{"version", "time", "limit", "sha256", "values"} + kOpenFlags,
     .summary = "list keys in byte order",
     .details = "Text: escaped key, tab, size, tab, version that wrote the key; --sha256 and --values add a "
                "column.\n"
                "Keys and values are escaped: \\\\ is a backslash, and \\t, \\n, \\r and \\xNN are bytes. "
                "Works while\n"
                "another process has the store open.",
     .example = "rawkv-ctl scan --prefix=config/ --json --store=/var/lib/state",
     .run = RunScan},
    {.name = "apply",
     .arguments = "FILE|-",
     .arguments_min = 1,
     .arguments_max = 1,
     .flags = kOpenFlags,
     .summary = "commit change sets from JSON Lines",
     .details =
         "Each line is one change set:\n"
         "  {\"version\":7,\n"
         "   \"put\":[{\"key\":\"k\",\"value\":\"v\"},{\"key\":\"k2\",\"value_b64\":\"AAE=\"},\n"
         "          {\"key_b64\":\"/w==\",\"value_file\":\"path\"}],\n"
         "   \"delete\":[\"k4\",{\"key_b64\":\"/g==\"}],\"metadata\":\"block 7\"}\n"
         "(on one line; every field is optional, and {} makes a version). Prints each version as soon as it\n"
         "is durable. Stops at the first bad line and names it; the lines before it stay committed.",
     .example = "rawkv-ctl apply changes.jsonl --store=/var/lib/state",
     .run = RunApply},
    {.name = "dump",
     .flags = kKeyFlags + FlagNames{"version", "time"} + kOpenFlags,
     .summary = "print keys and values as JSON Lines for load",
     .details = "Prints change sets in the format of apply, with every byte of every key and value. To "
                "restore them,\n"
                "load the lines into an empty store. Works while another process has the store open.",
     .example = "rawkv-ctl dump --prefix=config/ --store=/var/lib/state",
     .run = RunDump},
    {.name = "load",
     .arguments = "FILE|-",
     .arguments_min = 1,
     .arguments_max = 1,
     .flags = kOpenFlags,
     .summary = "commit the lines of a dump; the same as apply",
     .details = "Prints the version of each line. Keys that the file does not name stay.",
     .example = "rawkv-ctl load config.jsonl --store=/var/lib/copy",
     .run = RunApply},
    {.name = "snapshot create",
     .flags = kOpenFlags,
     .summary = "make a snapshot of the tip; prints its version",
     .details = "Changes nothing if the tip already has a snapshot. Retention applies afterwards.",
     .example = "rawkv-ctl snapshot create --store=/var/lib/state",
     .run = RunSnapshotCreate},
    {.name = "snapshot list",
     .flags = kInspectFlags,
     .summary = "list snapshots, ascending",
     .details = "Works while another process has the store open.",
     .example = "rawkv-ctl snapshot list --store=/var/lib/state",
     .run = RunSnapshotList},
    {.name = "snapshot verify",
     .flags = FlagNames{"version"} + kInspectFlags,
     .summary = "read snapshots completely and check them",
     .details =
         "Without --version it checks all snapshots. Ends with 1 if one is damaged. Works while another\n"
         "process has the store open.",
     .example = "rawkv-ctl snapshot verify --version=42 --store=/var/lib/state",
     .run = RunSnapshotVerify},
    {.name = "snapshot delete",
     .flags = FlagNames{"version"} + kOpenFlags,
     .summary = "delete the snapshot of --version",
     .details =
         "If the snapshot is the current one, the link `current` moves to the newest other snapshot first.\n"
         "Refused (3) if the snapshot is absent, pinned or the only one.",
     .example = "rawkv-ctl snapshot delete --version=42 --store=/var/lib/state",
     .run = RunSnapshotDelete},
    {.name = "snapshot prune",
     .flags = FlagNames{"keep"} + kOpenFlags,
     .summary = "apply retention now; prints the removed versions",
     .details = "Keeps the newest snapshot, --keep more unpinned ones, and all pinned ones.",
     .example = "rawkv-ctl snapshot prune --keep=0 --store=/var/lib/state",
     .run = RunSnapshotPrune},
    {.name = "snapshot pin",
     .flags = FlagNames{"name", "version", "time"} + kOpenFlags,
     .summary = "hold a version by --name; prints it",
     .details =
         "Without --version and --time it holds the tip. Makes a snapshot of the version if there is none.\n"
         "Refused (3) if the version is no longer kept, or if the name holds another version.",
     .example = "rawkv-ctl snapshot pin --name=before-upgrade --store=/var/lib/state",
     .run = RunSnapshotPin},
    {.name = "snapshot unpin",
     .flags = FlagNames{"name", "version"} + kOpenFlags,
     .summary = "remove the pin --name",
     .details = "With --version it removes the pin only if the pin holds that version.",
     .example = "rawkv-ctl snapshot unpin --name=before-upgrade --store=/var/lib/state",
     .run = RunSnapshotUnpin},
    {.name = "rollback",
     .flags = FlagNames{"version", "time", "dry_run", "drop_pins", "yes"} + kInspectFlags,
     .summary = "go back to --version or --time for good",
     .details =
         "Prints the plan, then asks on a terminal unless --yes is given; refuses (3) without a terminal "
         "and\n"
         "without --yes. Also works on a store that cannot be opened. --dry_run changes nothing, and ends\n"
         "with 3 if the rollback would be refused.",
     .example = "rawkv-ctl rollback --version=41 --yes --store=/var/lib/state",
     .run = RunRollback},
    {.name = "export",
     .flags = FlagNames{"version", "time", "out", "chunk_bytes", "base", "list"} + kOpenFlags,
     .summary = "write a version's content to a directory",
     .details = "Needs --version or --time, and --out, an absent or empty directory. With --list=DIR alone "
                "it prints "
                "the chunks\n"
                "of an existing export.",
     .example = "rawkv-ctl export --version=41 --out=/backup/41 --store=/var/lib/state",
     .run = RunExport},
    {.name = "import",
     .flags = FlagNames{"in"} + kFormatFlags,
     .summary = "make a new store from an export",
     .details = "The first version of the new store is the version of the export.",
     .example = "rawkv-ctl import --in=/backup/41 --store=/var/lib/copy --capacity=10GiB",
     .run = RunImport},
    {.name = "checkpoint",
     .flags = kOpenFlags,
     .summary = "write a checkpoint of the newest version to the device; prints the version",
     .details =
         "From it `rawkv-ctl rebuild` makes the store's directory again if that is lost. The process that\n"
         "has the store open writes them by itself, and every close does. Refused (3) if the store was\n"
         "formatted without --meta_total_bytes.",
     .example = "rawkv-ctl checkpoint --store=/var/lib/state",
     .run = RunCheckpoint},
    {.name = "rebuild",
     .flags = FlagNames{"device", "engine", "from", "deep"},
     .summary = "make a lost store directory again from a checkpoint on the device",
     .details =
         "Needs --device, and a store directory that is absent or empty. The store then holds exactly the\n"
         "version of the newest whole checkpoint; newer versions, older history, snapshots and pins are "
         "gone.\n"
         "With --deep it also verifies every payload, and ends with 1 if one is damaged: the key stays, and "
         "a\n"
         "read of it fails. Lists every checkpoint that it could not use. Refused (3) without a checkpoint.\n"
         "After an interruption the same command begins again.",
     .example = "rawkv-ctl rebuild --device=/dev/nvme0n1 --store=/var/lib/state",
     .run = RunRebuild},
    {.name = "device trim",
     .flags = kOpenFlags,
     .summary = "discard the free slots of the device",
     .details =
         "Gives the blocks of all free slots back: to the filesystem of a device file, as holes, or to "
         "the\n"
         "block device. Slots that a retained version needs stay; `snapshot prune` frees more. Refused "
         "(3) if\n"
         "the device cannot discard.",
     .example = "rawkv-ctl device trim --store=/var/lib/state",
     .run = RunDeviceTrim},
    {.name = "device grow",
     .flags = FlagNames{"size"} + kOpenFlags,
     .summary = "use a device that has become larger",
     .details = "After a file or block device was made larger, or with --size to make a device file larger.\n"
                "Old versions stay, and a rollback does not undo it. A device can only grow.",
     .example = "rawkv-ctl device grow --size=20GiB --store=/var/lib/state",
     .run = RunDeviceGrow},
    {.name = "cache stats",
     .flags = FlagNames{"prefix", "prefix_b64", "prometheus"} + kInspectFlags,
     .summary = "objects, room, hits, evictions and pins of a cache",
     .details =
         "Asks the process that has the cache open. Without one, reads the store, and all counters are 0.",
     .example = "rawkv-ctl cache stats --prefix=model@ --json --store=/var/lib/cache",
     .run = RunCacheStats},
    {.name = "cache evict",
     .flags = FlagNames{"size"} + kInspectFlags,
     .summary = "evict objects of at least --size bytes",
     .details = "In the order of eviction, and never a pinned object. The slots are free when it ends.",
     .example = "rawkv-ctl cache evict --size=10GiB --store=/var/lib/cache",
     .run = RunCacheEvict},
    {.name = "cache pin",
     .arguments = "KEY",
     .arguments_min = 1,
     .arguments_max = 1,
     .flags = {"key_b64"},
     .summary = "pin an object in the process that has the cache open",
     .details =
         "The owner of the pin is \"operator\". It ends with cache unpin, or when that process closes the\n"
         "cache. Ends with 1 if there is no such object.",
     .example = "rawkv-ctl cache pin model@0 --store=/var/lib/cache",
     .run = RunCachePin},
    {.name = "cache unpin",
     .arguments = "KEY",
     .arguments_min = 1,
     .arguments_max = 1,
     .flags = {"key_b64"},
     .summary = "take one pin of the operator back",
     .details = "Ends with 1 if the operator has no pin on the object.",
     .example = "rawkv-ctl cache unpin model@0 --store=/var/lib/cache",
     .run = RunCacheUnpin},
    {.name = "wal list",
     .flags = kInspectFlags,
     .summary = "list the changelog's segments",
     .details = "Works while another process has the store open.",
     .example = "rawkv-ctl wal list --store=/var/lib/state",
     .run = RunWalList},
    {.name = "wal dump",
     .flags = kInspectFlags,
     .summary = "list the changelog's records",
     .details =
         "Prints the rows before the first damage, then ends with 4. Works while another process has the\n"
         "store open.",
     .example = "rawkv-ctl wal dump --json --store=/var/lib/state",
     .run = RunWalDump},
    {.name = "wal verify",
     .flags = kInspectFlags,
     .summary = "check every segment and record of the changelog",
     .details = "Ends with 1 if there is damage. Works while another process has the store open.",
     .example = "rawkv-ctl wal verify --store=/var/lib/state",
     .run = RunWalVerify},
    {.name = "fsck",
     .flags = FlagNames{"deep", "repair", "drop_damaged", "dry_run", "yes"} + kInspectFlags,
     .summary = "check the whole store; --repair repairs what it can",
     .details =
         "Ends with 1 if there is damage. A note names a state that the next open repairs by itself. "
         "Without\n"
         "--repair it changes nothing, and works while another process has the store open. With\n"
         "--repair it rebuilds damaged files or moves them aside. Repairs that give up versions need a\n"
         "yes on the terminal, or --yes; --dry_run prints them without the lock. --drop_damaged lists the "
         "keys at the tip\n"
         "whose payload is gone, and deletes them after the same question.",
     .example = "rawkv-ctl fsck --deep --store=/var/lib/state",
     .run = RunFsck},
    {.name = "stats",
     .flags = FlagNames{"prometheus", "watch"} + kOpenFlags,
     .summary = "counters and sizes",
     .details =
         "Works while another process has the store open. The counters start at zero with this opening.\n"
         "--watch prints a line at once and then every SECONDS, until Ctrl-C. --prometheus prints the sizes\n"
         "in the text format of Prometheus.",
     .example = "rawkv-ctl stats --json --store=/var/lib/state",
     .run = RunStats},
    {.name = "top",
     .flags = FlagNames{"interval", "count"} + kInspectFlags,
     .summary = "live view: health, rates, versions, space, work under way",
     .details =
         "On a terminal it refreshes a screen until Ctrl-C; otherwise it prints a row at once and then\n"
         "every --interval. Opens nothing and holds nothing, and works while another process has the\n"
         "store open.",
     .example = "rawkv-ctl top --interval=5 --store=/var/lib/state",
     .run = RunTop},
    {.name = "log",
     .flags = FlagNames{"key", "key_b64", "prefix", "prefix_b64", "from", "to", "limit", "keys"} + kOpenFlags,
     .summary = "list versions, newest first: time, changes, metadata",
     .details =
         "--from and --to bound the versions, by number or by time. --key and --prefix leave out versions\n"
         "that change no such key; --keys also prints the keys that each version changes. Works while\n"
         "another process has the store open.",
     .example = "rawkv-ctl log --key=config/mode --limit=10 --store=/var/lib/state",
     .run = RunLog},
    {.name = "diff",
     .flags = FlagNames{"from", "to", "prefix", "prefix_b64", "limit"} + kOpenFlags,
     .summary = "list the keys that differ between two versions",
     .details = "Text: added, removed or changed; escaped key; size and writing version in --from and --to,\n"
                "which are versions or times. Works while another process has the store open.",
     .example = "rawkv-ctl diff --from=40 --to=41 --store=/var/lib/state",
     .run = RunDiff},
    {.name = "scrub",
     .flags = FlagNames{"rate", "restart"} + kOpenFlags,
     .summary = "read and verify everything, at a bounded rate",
     .details = "Reads superblocks, changelog, snapshots, and every payload that a retained version names.\n"
                "Resumes an interrupted pass, unless --restart is given. Ends with 1 if there is damage.",
     .example = "rawkv-ctl scrub --rate=200MiB --store=/var/lib/state",
     .run = RunScrub},
    {.name = "version",
     .summary = "the program's version and the formats it reads",
     .details = "",
     .example = "rawkv-ctl version --json",
     .run = RunVersion},
    {.name = "shell",
     .flags = kOpenFlags,
     .summary = "run commands on one open store",
     .details =
         "Reads lines with commands as after rawkv-ctl, and runs them on one open store: put k 'a b'. On a\n"
         "terminal it has a history and completes commands, flags and keys; exit, quit or Ctrl-D ends it. "
         "From\n"
         "a file or a pipe it stops at the first line that fails. With --read_only it works alongside a\n"
         "writer, and each command reads the newest version.",
     .example = "rawkv-ctl shell --store=/var/lib/state",
     .run = RunShell},
    {.name = "completion",
     .arguments = "bash|zsh|fish",
     .arguments_min = 1,
     .arguments_max = 1,
     .summary = "print a completion script for a shell",
     .details = "An installation puts the scripts where the shells find them.",
     .example = "rawkv-ctl completion bash",
     .run = RunCompletion},
    {.name = "help",
     .arguments = "[COMMAND]",
     .arguments_max = 2,
     .flags = {"man"},
     .summary = "print this text, or the help of a command",
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
