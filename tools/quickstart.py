#!/usr/bin/env python3
"""Replays a history into a store with rawkv-ctl and compares the store with git. Run it as tools/quickstart.

  load the history → format a store → apply a change set a commit, killed twice on the way
  → read old versions → roll back to one → apply the rest again → fsck

quickstart_store.py has the rawkv-ctl commands that this takes, quickstart_history.py asks git.
"""

import argparse
import collections
import os
import random
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
from quickstart_history import HistorySize, NoHistory, load_history  # noqa: E402
from quickstart_process import INTERRUPTS, CannotRun, kill_all, run  # noqa: E402
from quickstart_report import (  # noqa: E402
    complain, human_bytes, human_time, joined, progress, report, shown, things)
from quickstart_store import Apply, Store, Unequal, base64_text  # noqa: E402

EQUAL, UNEQUAL, USAGE, COULD_NOT_RUN, INTERRUPTED = 0, 1, 2, 3, 130  # exit statuses

# Snapshots taken along the history. Of these the newest stay, so that the newer half of the history can be
# read version by version; two pins reach further back.
SNAPSHOTS, SNAPSHOTS_KEPT = 8, 4
# Old versions that are compared whole: eight, or as many as make these bytes, at least two.
OLD_READS_MIN, OLD_READS_MAX, OLD_READ_BYTES = 2, 8, 2 << 30
EXTRA_KILLS_MAX = 4
LINE_VALUE_BYTES = 1 << 20  # of a change set's values, in its line; the others go through files

# The smallest and the largest log segment that suit a history, and the most changes that a version takes.
SEGMENT_BYTES, SEGMENT_BYTES_MAX = 64 << 20, 1 << 30
CHANGES_MAX = 1_000_000
ROOM_BYTES = 512 << 20  # besides values and records: the log's zero-filled space, the index, the reserve

# One SIGKILL: the newest version sent, the newest acknowledged, and how the store came back.
Kill = collections.namedtuple("Kill", "sent acknowledged came_back seconds", defaults=(None, None))


class Story:
    """The whole run. Each stage prints its part of the report once it has passed; a difference is Unequal."""

    def __init__(self, history, ctl, seed, work):
        self.history = history
        self.size = len(history.steps)
        self.seed = seed
        self.random = random.Random(seed)
        self.kill_random = random.Random(seed)  # of its own: how often it is asked depends on the machine
        self.work = work
        self.values = os.path.join(work, "values")  # the files of a change set
        os.mkdir(self.values)
        self.store = Store(ctl, os.path.join(work, "store"))
        self.tip = 0  # the newest version that the store must have
        self.snapshot_steps = max(self.size // SNAPSHOTS, 1)
        self.pins = sorted({max(self.size // 10, 1), max(self.size // 4, 1)})
        self.kills_due = sorted({max(self.size // 3, 1), max(2 * self.size // 3, 1)})
        self.kills = []
        self.commits, self.commit_seconds = 0, 0.0
        self.compared = collections.Counter()

    def tell(self):
        self.make_store()
        self.replay()
        self.read_old_versions()
        self.roll_back()
        self.check()
        found = self.compared
        report("result", f"every key of every compared version is equal to {self.history.judge}:")
        report("", f"{things(found['keys'], 'key')} in {things(found['versions'], 'version')}, "
                   f"{human_bytes(found['bytes'])}; seed {self.seed}")

    def make_store(self):
        size = HistorySize(self.history)
        report("history", self.history.origin)
        report("", f"{things(size.puts, 'put')}, {things(size.deletes, 'delete')}, "
                   f"{human_bytes(size.value_bytes)} of content")
        for note in self.history.notes:
            report("", note)
        self.require_room(size)
        # A change set must fit a log segment; only a giant commit needs a larger one than usual.
        segment_bytes = max(SEGMENT_BYTES, 1 << (2 * size.record_bytes_max).bit_length())
        try:
            # Room for every version of the history at once; the file is sparse. Snapshots are taken where the
            # story wants them, none by the store itself: so a run can be repeated.
            self.store.format(capacity=size.device_bytes * 3 // 2 + (256 << 20),
                              wal_segment_bytes=min(segment_bytes, SEGMENT_BYTES_MAX),
                              snapshot_interval=0, keep_recent=SNAPSHOTS_KEPT)
        except Unequal as error:
            raise CannotRun(error) from None  # there was nothing yet that could be lost
        info = self.store.info()
        report("store", self.store.directory)
        report("", f"{human_bytes(info['device']['slot_bytes'])} slots, values up to "
                   f"{human_bytes(info['inline_bytes'])} in the index, engine {info['engine']['used']}, "
                   + ("acknowledged means durable" if info["durability"] == "synced" else "unsynced"))

    def require_room(self, size):
        largest = f"the largest {self.history.step_name} of this history"
        if size.changes_max > CHANGES_MAX:
            raise CannotRun(f"{largest} changes {size.changes_max:,} files; a version takes {CHANGES_MAX:,}")
        if size.record_bytes_max > SEGMENT_BYTES_MAX:
            raise CannotRun(f"{largest} takes {human_bytes(size.record_bytes_max)} of log; a log segment has "
                            f"up to {human_bytes(SEGMENT_BYTES_MAX)}")
        needed = size.device_bytes + 4 * size.record_bytes + size.step_bytes_max + ROOM_BYTES
        free = shutil.disk_usage(self.work).free
        if free < needed:
            parent = os.path.dirname(self.work)
            raise CannotRun(f"this history may need {human_bytes(needed)}; {parent} is on a filesystem with "
                            f"{human_bytes(free)} free. Name another place in TMPDIR, or take fewer commits "
                            "(--commits)")

    # --- replay

    def replay(self):
        """Commits every step. rawkv-ctl is killed in the middle of commits near a third and two thirds of the
        way; each time the store must come back with every acknowledged version."""
        began = time.monotonic()
        at_tips = collections.Counter()
        while self.tip < self.size:
            if self.commit_to_next_stop():
                self.come_back()
                at_tips += self.compare(self.tip)
            self.hold_tip()
        seconds, each = time.monotonic() - began, self.commit_seconds / max(self.commits, 1)
        report("replay", f"{things(self.size, self.history.step_name)} as versions 1 to {self.size} in "
                         f"{human_time(seconds)}; {human_time(each)} from a change set to its answer")
        for kill in self.kills:
            where = "in the middle of" if kill.sent > kill.acknowledged else "right after"
            report("SIGKILL", f"{where} commit {kill.sent}, {kill.acknowledged} acknowledged: back in "
                              f"{human_time(kill.seconds)} at {kill.came_back}")
        self.newest = self.compare(self.size)
        at_tips += self.newest
        report("", f"nothing acknowledged was lost; {things(at_tips['keys'], 'key')} at the tips equal to "
                   f"{self.history.judge}")

    def commit_to_next_stop(self):
        """Commits steps until a snapshot or a pin is due, or to the last. True: rawkv-ctl was killed."""
        snapshot = (self.tip // self.snapshot_steps + 1) * self.snapshot_steps
        stop = min([snapshot, self.size, *(pin for pin in self.pins if pin > self.tip)])
        with Apply(self.store, self.work) as apply:
            for version in range(self.tip + 1, stop + 1):
                progress.show("replay", version, self.size)
                change_set = self.change_set(version)
                began = time.monotonic()
                apply.send(change_set)
                if self.kills_due and version >= self.kills_due[0]:
                    self.kill(apply, version)
                    return True
                apply.require_answer(version)
                self.commits += 1
                self.commit_seconds += time.monotonic() - began
                self.tip = version
            apply.finish()
        return False

    def hold_tip(self):
        if self.tip and self.tip % self.snapshot_steps == 0:
            self.store.snapshot()
        if self.tip in self.pins:
            self.store.pin(f"step-{self.tip}")

    def change_set(self, version):
        """A step as a line for `rawkv-ctl apply`. Base64 takes keys and values of any bytes."""
        for name in os.listdir(self.values):
            os.remove(os.path.join(self.values, name))  # the version before has been answered
        step = self.history.steps[version - 1]
        puts, deletes, line_bytes = [], [], 0
        for key, content in step.changes.items():
            change = {"key_b64": base64_text(key)}
            if content is None:
                deletes.append(change)
                continue
            value = self.history.read(content)
            if line_bytes + len(value) <= LINE_VALUE_BYTES:
                line_bytes += len(value)
                change["value_b64"] = base64_text(value)
            else:
                change["value_file"] = f"values/{len(puts)}"  # `apply` runs in the work directory
                with open(os.path.join(self.work, change["value_file"]), "wb") as file:
                    file.write(value)
            puts.append(change)
        return {"version": version, "metadata": step.name, "put": puts, "delete": deletes}

    def kill(self, apply, version):
        """Kills rawkv-ctl at a random moment after `version` was sent, most likely while it commits that."""
        usual_seconds = self.commit_seconds / self.commits if self.commits else 0.001
        time.sleep(self.kill_random.uniform(0, usual_seconds / 2))
        acknowledged = version if apply.kill() else version - 1
        self.kills.append(Kill(version, acknowledged))
        self.kills_due.pop(0)
        if acknowledged == version and len(self.kills) <= EXTRA_KILLS_MAX:
            self.kills_due.insert(0, version + 1)  # it fell between two commits: once more, soon

    def come_back(self):
        """Opens the store after a kill, which recovers it."""
        began = time.monotonic()
        self.tip = self.store.info()["version"]
        kill = self.kills[-1]._replace(came_back=self.tip, seconds=time.monotonic() - began)
        if not kill.acknowledged <= self.tip <= kill.sent:
            raise Unequal(f"after SIGKILL the store came back at version {self.tip}; acknowledged: "
                          f"{kill.acknowledged}, sent: {kill.sent}")
        self.kills[-1] = kill

    # --- compare

    def compare(self, version):
        """Compares every key of a version with the judge's listing: none too many, none too few, each value
        by its SHA-256 and size. rawkv-ctl reads and verifies each value for that. Returns counts."""
        progress.show("comparing version", version, self.size)
        found, differences = collections.Counter(versions=1), []
        expected = self.history.listing(version)
        for key, sha256, size in self.store.scan(None if version == self.tip else version):
            content = expected.pop(key, None)
            if content is None:
                differences.append(f"{shown(key)} should not be there")
            elif (sha256, size) != self.history.digest(content):
                differences.append(f"{shown(key)} has other content than {self.history.judge} ({size} bytes)")
            else:
                found.update(keys=1, bytes=size)
        differences += [f"{shown(key)} is missing" for key in expected]
        if differences:
            step = self.history.steps[version - 1].name if version else "0"
            raise Unequal(f"version {version} ({self.history.step_name} {step}): "
                          f"{things(len(differences), 'difference')}: {'; '.join(differences[:5])}")
        self.compared += found
        return found

    def compare_bytewise(self, version):
        """Compares one key, read by `get`, byte by byte with the judge's content. 0: there is none."""
        listing = self.history.listing(version)
        if not listing:
            return 0
        key = self.random.choice(sorted(listing))
        if self.store.get(key, version) != self.history.read(listing[key]):
            raise Unequal(f"version {version}: get {shown(key)} gives other bytes than {self.history.judge}")
        return 1

    # --- old versions, rollback, check

    def reachable(self, info):
        """The versions that can be read, ascending; the newest and at least one older."""
        ranges = info["reachable"]
        versions = [version for first, last in ranges for version in range(first, last + 1)]
        if versions[-1:] != [self.size] or len(versions) == 1:
            raise Unequal(f"the store can reach versions {ranges} only, not {self.size} and older ones")
        return versions

    def choose(self, old):
        """Of the old versions: the pinned, the oldest, the newest, and random others."""
        affordable = OLD_READ_BYTES // max(self.newest["bytes"], 1)
        wanted = min(max(affordable, OLD_READS_MIN), OLD_READS_MAX)
        pinned = [version for version in self.pins if version in old]
        others = self.random.sample(old, len(old))
        pool = dict.fromkeys([*pinned, old[0], old[-1], *others])  # each once, in this order
        return sorted(list(pool)[:wanted])

    def read_old_versions(self):
        info = self.store.info()
        versions = joined(row["version"] for row in info["snapshots"])
        pins = joined(pin for row in info["snapshots"] for pin in row["pins"])
        report("snapshots", f"kept: {versions}; pinned: {pins}")
        reachable = self.reachable(info)
        versions = self.choose(reachable[:-1])
        found, bytewise = collections.Counter(), 0
        began = time.monotonic()
        for version in versions:
            found += self.compare(version)
            bytewise += self.compare_bytewise(version)
        seconds = time.monotonic() - began
        report("old reads", f"versions {joined(versions)} of {len(reachable):,} reachable, in "
                            f"{human_time(seconds)}")
        report("", f"{things(found['keys'], 'key')}, {human_bytes(found['bytes'])}: equal to "
                   f"{self.history.judge}; {things(bytewise, 'value')} by byte as well")
        forgotten = next((version for version in range(1, self.size) if version not in reachable), None)
        if forgotten:
            if not self.store.refuses(forgotten):
                raise Unequal(f"version {forgotten} is not reachable, but reading it was not refused")
            report("", f"version {forgotten} is no longer kept: refused, as it should be")

    def roll_back(self):
        target = self.random.choice(self.reachable(self.store.info())[:-1])
        progress.show(f"rolling back to version {target}")
        began = time.monotonic()
        done = self.store.roll_back(target)["done"]
        seconds = time.monotonic() - began
        self.tip = self.store.info()["version"]
        if not done or self.tip != target:
            raise Unequal(f"rolled back to {target}, but the newest version is {self.tip}")
        keys = self.compare(target)["keys"]
        report("rollback", f"from {self.size} to {target} in {human_time(seconds)}; {things(keys, 'key')} "
                           f"equal to {self.history.judge}")
        while self.tip < self.size:
            self.commit_to_next_stop()
            self.hold_tip()
        keys = self.compare(self.size)["keys"]
        report("", f"{target + 1} to {self.size} committed again; {things(keys, 'key')} equal to "
                   f"{self.history.judge}")

    def check(self):
        progress.show("checking")
        began = time.monotonic()
        self.store.fsck()
        seconds = time.monotonic() - began
        snapshots = len(self.store.verify_snapshots())
        report("check", f"fsck --deep finds nothing in {human_time(seconds)}; "
                        f"{things(snapshots, 'snapshot')} verified")
        info = self.store.info()
        slot_bytes, slots = info["device"]["slot_bytes"], info["slots"]
        user_data = f"{human_bytes(self.newest['bytes'])} in {things(self.newest['keys'], 'key')}"
        report("space", f"user data now {user_data}; device: {human_bytes(slots['live'] * slot_bytes)} live, "
                        f"{human_bytes(slots['pinned'] * slot_bytes)} pinned by old versions")
        disk_bytes = int(run(["du", "--summarize", "--block-size=1", self.store.directory]).output.split()[0])
        report("", f"on disk, with log and snapshots: {human_bytes(disk_bytes)}")


# --- the command


def number(text):
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return int(text)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="quickstart", description="tools/quickstart --help has more.")
    parser.add_argument("repository", nargs="?", metavar="REPOSITORY")
    parser.add_argument("--commits", type=number, default=2000, metavar="N")
    parser.add_argument("--seed", type=number, metavar="N")
    parser.add_argument("--keep", action="store_true")
    # From tools/quickstart: the program that it built, and its own clone.
    parser.add_argument("--ctl", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--source", default=".", help=argparse.SUPPRESS)
    return parser.parse_args()


def make_work_directory():
    parent = os.path.abspath(os.environ.get("TMPDIR") or "/tmp")
    try:
        return tempfile.mkdtemp(prefix="rawkv-quickstart-", dir=parent)
    except OSError as error:
        raise CannotRun(f"cannot make a directory (TMPDIR names another place): {error}") from None


def run_story(arguments, seed):
    progress.show("reading the history")
    work = None
    try:
        history = load_history(arguments.repository or arguments.source, arguments.commits)
        work = make_work_directory()
        Story(history, os.path.abspath(arguments.ctl), seed, work).tell()
    finally:
        ignore_interrupts()  # nothing but cleaning up is left to do
        kill_all()
        if work and arguments.keep:
            report("kept", f"{work}/store (look at it with: rawkv-ctl info --store={work}/store)")
        elif work:
            shutil.rmtree(work, ignore_errors=True)
            if os.path.exists(work):
                complain(f"left behind: {work}")


def ignore_interrupts():
    for signal_number in INTERRUPTS:
        signal.signal(signal_number, signal.SIG_IGN)


def interrupt(*_):
    ignore_interrupts()  # one is enough
    raise KeyboardInterrupt


def main():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a path need not be text
    arguments = parse_arguments()
    for signal_number in INTERRUPTS:
        signal.signal(signal_number, interrupt)
    seed = random.SystemRandom().randrange(10**9) if arguments.seed is None else arguments.seed
    try:
        run_story(arguments, seed)
        return EQUAL
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except NoHistory as error:
        complain(error)
        return USAGE
    except (CannotRun, OSError) as error:
        complain(error)
        return COULD_NOT_RUN
    except Unequal as error:
        complain(f"FAILED: {error} (seed {seed})")
        return UNEQUAL


if __name__ == "__main__":
    sys.exit(main())
