#!/usr/bin/env python3
"""Tests of tools/quickstart.py. Usage: quickstart_test.py RAWKV_CTL [unittest options]"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
from git_fixture import ImportStream, eventful_history, small_history  # noqa: E402
from history_test import FileHistoryTest, GitHistoryTest  # noqa: E402, F401 (run here)
import quickstart  # noqa: E402
from quickstart_history import HistorySize, load_history  # noqa: E402
from quickstart_process import CannotRun, kill_all  # noqa: E402

CTL = os.path.abspath(sys.argv.pop(1))


class ProgramTest(unittest.TestCase):
    """Runs the script as tools/quickstart does after its build."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="rawkv-quickstart-test-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.temporary = self.path("tmp")  # the script's, so that nothing may be left behind in it
        os.mkdir(self.temporary)

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self, *arguments, ctl=CTL, path=os.environ["PATH"]):
        # A caller's git variables must not lead to another repository.
        environment = {**os.environ, "TMPDIR": self.temporary, "PATH": path, "GIT_DIR": "/nonexistent"}
        return subprocess.Popen([sys.executable, TOOLS / "quickstart.py", f"--ctl={ctl}", *arguments],
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)

    def run_script(self, *arguments, **options):
        process = self.start(*arguments, **options)
        output, errors = process.communicate()
        return types.SimpleNamespace(status=process.returncode, output=output, errors=errors)

    def expect_equal(self, *arguments, lines=(), **options):
        run = self.run_script(*arguments, **options)
        self.assertEqual((run.status, run.errors), (0, ""), run.output)
        for line in lines:
            self.assertRegex(run.output, re.compile("^" + line, re.MULTILINE))
        return run.output

    def expect_failure(self, status, errors, *arguments, **options):
        run = self.run_script(*arguments, **options)
        self.assertRegex(run.errors, errors)
        self.assertEqual(run.status, status, run.errors)
        self.assertNotIn("result", run.output)
        self.assertEqual(os.listdir(self.temporary), [])

    def program(self, name, text):
        """An executable bash script."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/bash\nset -e\n" + text)
        os.chmod(path, 0o755)
        return path

    def lying_git(self, when, instead):
        """A PATH with a git that does something else where its arguments match."""
        real = f"PATH='{os.environ['PATH']}'\n"
        self.program("bin/git", real + f'case "$*" in {when}) {instead} ;; *) exec git "$@" ;; esac\n')
        return self.path("bin") + ":" + os.environ["PATH"]

    def faulty_ctl(self, command, instead):
        """Does something else for one command of rawkv-ctl. $ctl is the real one, $store the directory."""
        return self.program("faulty-ctl", f"""ctl='{CTL}'
            store=$(printf '%s\\n' "$@" | sed -n 's/^--store=//p')
            case $1 in {command}) {instead} ;; *) exec "$ctl" "$@" ;; esac
            """)


class EqualTest(ProgramTest):
    def test_eventful_history_is_equal_to_git(self):
        output = self.expect_equal(eventful_history().make(self.path("repo")), "--seed=1", lines=(
            "history +git history of .*: 8[0-9] commits, first-parent, sha1$",
            " +submodules left out: 2$",
            "store +" + self.temporary,
            "SIGKILL +in the middle of commit [0-9]+, [0-9]+ acknowledged: back in .* at [0-9]+$",
            " +nothing acknowledged was lost; [0-9,]+ keys at the tips equal to git's$",
            "snapshots +kept: [0-9, ]+; pinned: step-8, step-2[0-9]$",
            "old reads +versions 8, [0-9, ]+ of [0-9]+ reachable",
            " +[0-9,]+ keys, .* equal to git's; 8 values by byte as well$",
            " +version 1 is no longer kept: refused",
            "rollback +from 8[0-9] to [0-9]+ in .* [0-9]+ keys equal to git's$",
            " +[0-9]+ to 8[0-9] committed again; [0-9]+ keys equal to git's$",
            "check +fsck --deep finds nothing in .*; [0-9]+ snapshots verified$",
            "result +every key of every compared version is equal to git's:$",
            " +[0-9,]+ keys in 1[0-9] versions, .*; seed 1$"))
        self.assertGreaterEqual(output.count("SIGKILL"), 2)
        self.assertEqual(os.listdir(self.temporary), [])

    def test_files_without_git_are_replayed(self):
        for number in range(4):
            pathlib.Path(self.path(f"tree/{number}")).parent.mkdir(exist_ok=True)
            pathlib.Path(self.path(f"tree/{number}")).write_bytes(b"x" * 700 * number)
        # Without a git program as well.
        os.mkdir(self.path("bin"))
        os.symlink(shutil.which("du"), self.path("bin/du"))
        self.expect_equal(f"--source={self.path('tree')}", path=self.path("bin"), lines=(
            "history +4 files of .*/tree in 4 steps .not a git history: there is no git program",
            "result +every key of every compared version is equal to the files':$"))

    def test_empty_versions(self):
        stream = ImportStream()
        for number in range(2):
            stream.commit()
            stream.put_submodule(b"module %d" % number)
        output = self.expect_equal(stream.make(self.path("repo")), "--keep", lines=(
            " +submodules left out: 2$", "result", " +0 keys in [0-9]+ versions, 0 B;"))
        kept = re.search(r"^kept +(\S+)", output, re.MULTILINE).group(1)
        self.assertTrue(os.path.exists(os.path.join(kept, "STORE")))

    def test_commit_that_needs_a_larger_log_segment(self):
        stream = ImportStream()
        for number in range(2):
            stream.commit()
            for file in range(400):
                stream.put(b"%d" % file, b"%d" % number * 1000)
        self.addCleanup(kill_all)
        history = load_history(stream.make(self.path("repo")), 0)
        self.assertGreater(HistorySize(history).record_bytes_max, 400 * 1000)
        with mock.patch.multiple(quickstart, SEGMENT_BYTES=64 << 10, report=mock.DEFAULT):
            quickstart.Story(history, CTL, 1, self.temporary).tell()


class UnequalTest(ProgramTest):
    """Planted differences."""

    VERSION = """version=$("$ctl" "$@" | sed -E 's/.*"version":([0-9]+),"durable.*/\\1/')"""  # from `info`

    def expect_unequal(self, errors, ctl, commits=2):
        self.expect_failure(1, rf"^quickstart: FAILED: .*{errors}.* \(seed \d+\)$",
                            small_history(commits).make(self.path("repo")), ctl=ctl)

    def applied_with(self, change):
        """A rawkv-ctl whose `apply` gets its lines through sed."""
        return self.faulty_ctl("apply", f'''shift 2; exec "$ctl" apply <(exec sed -u '{change}') "$@"''')

    def test_changed_value(self):
        old, new = (quickstart.base64_text(text) for text in (b"content 1", b"CONTENT 1"))
        self.expect_unequal("1 difference: 'file 1' has other content than git's .9 bytes",
                            self.applied_with(f"s/{old}/{new}/"))

    def test_key_too_many_and_key_missing(self):
        old, new = (quickstart.base64_text(text) for text in (b"log", b"lie"))
        self.expect_unequal("2 differences: 'lie' should not be there; 'log' is missing",
                            self.applied_with(f"s/{old}/{new}/"))

    def test_lost_acknowledged_commit(self):
        # rawkv-ctl is killed in commits 2 and 4. By the second kill there are two versions that can be lost.
        self.expect_unequal(
            "after SIGKILL the store came back at version [0-9]+; acknowledged: [0-9]+, sent: [0-9]+",
            self.faulty_ctl("info", f'''{self.VERSION}
                if ((version >= 2)); then
                  "$ctl" rollback --version=$((version - 2)) --drop_pins --yes --store="$store" > /dev/null
                fi
                exec "$ctl" "$@"'''), commits=6)

    def test_unacknowledged_version_out_of_nothing(self):
        self.expect_unequal(
            "after SIGKILL the store came back at version [0-9]+; acknowledged: [0-9]+, sent: [0-9]+",
            self.faulty_ctl("info", f'''{self.VERSION}
                ((version == 0)) || for i in 1 2; do "$ctl" put more $i --store="$store" > /dev/null; done
                exec "$ctl" "$@"'''), commits=6)

    def test_wrong_answer_of_get(self):
        self.expect_unequal("get '.*' gives other bytes than git's", self.faulty_ctl("get", "echo wrong"))

    def test_forgotten_version_that_is_not_refused(self):
        self.expect_unequal("version 1 is not reachable, but reading it was not refused",
                            self.faulty_ctl("info", '''"$ctl" "$@" |
                                sed 's/"reachable":[[][[][01],/"reachable":[[2,/' '''), commits=3)

    def test_rollback_that_does_nothing(self):
        self.expect_unequal("rolled back to [01], but the newest version is 2",
                            self.faulty_ctl("rollback", '''echo '{"done":true}' '''))

    def test_damaged_payload(self):
        self.expect_unequal("fsck .*ended with status 1: .*payload", self.faulty_ctl(
            "fsck", '''sed -i 's/payload of commit 2/payload of COMMIT 2/' "$store/device.img"
                exec "$ctl" "$@"'''))

    def test_crash_of_rawkv_ctl(self):
        self.expect_unequal("rawkv-ctl scan .*was ended by SIGSEGV", self.faulty_ctl("scan", "kill -SEGV $$"))


class CouldNotRunTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.repository = small_history(2).make(self.path("repo"))

    def test_git_that_fails(self):
        self.expect_failure(3, "git cat-file ended with status 9: out of order$", self.repository,
                            path=self.lying_git("*cat-file*--batch", "echo out of order >&2; exit 9"))

    def test_git_that_lies_about_content(self):
        self.expect_failure(3, "git cat-file gave other content for blob", self.repository,
                            path=self.lying_git("*cat-file*--batch", 'git "$@" | sed -u s/content/CONTENT/'))

    def test_store_without_room(self):
        self.expect_failure(3, "rawkv-ctl snapshot create .*ended with status 5: no space", self.repository,
                            ctl=self.faulty_ctl("snapshot", "echo no space >&2; exit 5"))

    def test_format_that_is_refused(self):
        self.expect_failure(3, "rawkv-ctl format .*ended with status 3: no hard links", self.repository,
                            ctl=self.faulty_ctl("format", "echo no hard links >&2; exit 3"))

    def test_ctl_that_is_not_there(self):
        self.expect_failure(3, "No such file or directory", self.repository, ctl=self.path("absent"))

    def test_no_place_for_the_store(self):
        os.rmdir(self.temporary)
        run = self.run_script(self.repository)
        self.assertEqual(run.status, 3)
        self.assertRegex(run.errors, r"^quickstart: cannot make a directory \(TMPDIR names another place\)")

    def test_histories_that_do_not_fit(self):
        story = types.SimpleNamespace(history=types.SimpleNamespace(step_name="commit"), work=self.temporary)
        sizes = ("changes_max", "record_bytes_max", "device_bytes", "record_bytes", "step_bytes_max")
        fits = dict.fromkeys(sizes, 1)
        quickstart.Story.require_room(story, types.SimpleNamespace(**fits))
        for name, value, message in (
                ("changes_max", 1_000_001, "commit of this history changes 1,000,001 files"),
                ("record_bytes_max", (1 << 30) + 1, "commit of this history takes 1 GiB of log"),
                ("device_bytes", 1 << 60, "may need .* TMPDIR"),
                ("step_bytes_max", 1 << 60, "may need .* TMPDIR")):
            with self.assertRaisesRegex(CannotRun, message):
                quickstart.Story.require_room(story, types.SimpleNamespace(**{**fits, name: value}))


class UsageTest(ProgramTest):
    def test_arguments(self):
        os.mkdir(self.path("empty"))
        for bad in (["--bogus"], ["--commits=many"], ["--commits="], ["--seed=-1"], ["--seed"], ["a", "b"],
                    [self.path("absent")], [self.path("empty")], [CTL]):
            run = self.run_script(*bad)
            self.assertEqual((run.status, run.output), (2, ""), bad)
            self.assertNotEqual(run.errors, "", bad)

    def test_help(self):
        self.assertEqual(self.run_script("--help").status, 0)
        output = subprocess.check_output([TOOLS / "quickstart", "--seed=1", "--help"], text=True)
        self.assertIn("Usage: tools/quickstart [REPOSITORY] [--commits=2000] [--seed=N] [--keep]", output)


class InterruptTest(ProgramTest):
    def interrupt_in(self, command, signal_number):
        """Sends a signal while rawkv-ctl, replaced by a program that does not end, works at `command`."""
        os.mkfifo(self.path("working"))
        ctl = self.faulty_ctl(command, f'echo $$ > "{self.path("working")}"; exec sleep 1000')
        repository = small_history(2).make(self.path("repo"))
        process = self.start(repository, ctl=ctl)
        with open(self.path("working"), encoding="ascii") as working:
            child = int(working.readline())
        process.send_signal(signal_number)
        errors = process.communicate()[1]
        self.assertEqual((process.returncode, errors), (130, "quickstart: interrupted\n"))
        self.assertEqual(os.listdir(self.temporary), [])
        with self.assertRaises(ProcessLookupError):
            os.kill(child, 0)

    def test_during_apply(self):
        self.interrupt_in("apply", signal.SIGINT)

    def test_during_a_command(self):
        self.interrupt_in("snapshot", signal.SIGTERM)


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # a git cat-file that a test leaves to kill_all keeps its pipes open
