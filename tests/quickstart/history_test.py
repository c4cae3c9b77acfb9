"""What tools/quickstart_history.py takes from git and from files. Part of quickstart_test.py."""

import hashlib
import os
import tempfile
import unittest
from unittest import mock

from git_fixture import ImportStream, eventful_history, git, small_history
import quickstart_history
from quickstart_history import FileHistory, Git, GitHistory, HistorySize, NoHistory, load_history
from quickstart_process import CannotRun, kill_all


class HistoryTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="rawkv-quickstart-test-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.addCleanup(kill_all)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, content):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(content)

    def load(self, directory, steps_max=0):
        return load_history(directory, steps_max)

    def expect_steps_add_up_to_listings(self, history, every=1):
        model = {}
        for version, step in enumerate(history.steps, start=1):
            for key, content in step.changes.items():
                model[key] = content
                if content is None:
                    del model[key]
            if version % every == 0:
                self.assertEqual(history.listing(version), model, step)
        self.assertEqual(history.listing(0), {})


class GitHistoryTest(HistoryTest):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="rawkv-quickstart-test-")
        cls.addClassCleanup(directory.cleanup)
        cls.eventful = eventful_history().make(os.path.join(directory.name, "eventful"))

    def test_changes_add_up_to_each_commits_tree(self):
        history = self.load(self.eventful)
        self.assertGreater(len(history.steps), 80)
        self.assertIn("submodules left out: 2", history.notes)
        self.expect_steps_add_up_to_listings(history)
        for blob in history.listing(len(history.steps)).values():
            value = history.read(blob)
            self.assertEqual(history.digest(blob), (hashlib.sha256(value).hexdigest(), history.size(blob)))

    def test_merge_is_one_step_against_its_first_parent(self):
        history = self.load(self.eventful)
        merges = [step for step in history.steps if b"side/side-1" in step.changes]
        self.assertEqual(len(merges), 1)
        self.assertEqual(history.read(merges[0].changes[b"side/side-1"]), b"as merged")

    def test_newest_commits_begin_with_a_whole_tree(self):
        history = self.load(self.eventful, steps_max=30)
        self.assertEqual(len(history.steps), 30)
        self.assertGreater(len(history.steps[0].changes), 10)
        self.assertRegex(history.origin, r"the newest 30 of \d+ commits")
        self.expect_steps_add_up_to_listings(history, every=5)

    def test_shallow_clone_begins_with_a_whole_tree(self):
        git(self.directory, "clone", "--quiet", "--bare", "--depth=20", f"file://{self.eventful}", "clone")
        history = self.load(self.path("clone"))
        self.assertEqual(len(history.steps), 20)
        self.assertIn(": 20 commits", history.origin)
        self.expect_steps_add_up_to_listings(history, every=5)

    def test_bare_sha256_repository(self):
        history = self.load(small_history(3).make(self.path("repo"), "--bare", "--object-format=sha256"))
        self.assertIn("3 commits, first-parent, sha256", history.origin)
        self.assertEqual(history.read(history.listing(3)[b"file 3"]), b"content 3")

    def test_what_a_store_cannot_hold_is_left_out_and_reported(self):
        stream = ImportStream()
        for content in (b"small", b"x" * 5000, b"small again"):
            stream.commit()
            stream.put(b"grows", content)
            stream.put(b"n" * 300, content)
        with mock.patch.multiple(quickstart_history, VALUE_BYTES_MAX=4000, KEY_BYTES_MAX=200):
            history = self.load(stream.make(self.path("repo")))
            listings = [list(history.listing(version)) for version in (1, 2, 3)]
            self.assertEqual(listings, [[b"grows"], [], [b"grows"]])
            self.assertEqual(history.steps[1].changes, {b"grows": None})
            self.assertEqual(len(history.notes), 2)

    def test_newest_branch_is_taken_where_head_names_none(self):
        repository = small_history(3).make(self.path("repo"), "--bare")
        tip = git(repository, "rev-parse", "main").strip()
        git(repository, "symbolic-ref", "HEAD", "refs/heads/never-made")
        self.assertEqual(Git(repository).tip(), tip)
        git(repository, "update-ref", "-d", "refs/heads/main")
        with self.assertRaisesRegex(NoHistory, "nothing has been committed"):
            GitHistory(Git(repository), 0)

    def test_replaced_object_is_read_as_committed(self):
        repository = small_history(1).make(self.path("repo"))
        blob = git(repository, "rev-parse", "main:log").strip()
        other = git(repository, "hash-object", "-w", "--stdin", text=b"something else").strip()
        git(repository, "replace", blob, other)
        history = self.load(repository)
        self.assertEqual(history.read(history.listing(1)[b"log"]), b"x" * 1000)

    def test_missing_blob_is_named(self):
        repository = small_history(1).make(self.path("repo"))
        absent = b"a" * 40
        history = self.load(repository)
        with self.assertRaisesRegex(CannotRun, "git has no blob a{40} missing; a partial clone"):
            history.read(absent)

    def test_content_that_does_not_match_its_blob_id_is_refused(self):
        git_program = Git(small_history(1).make(self.path("repo")))
        history = GitHistory(git_program, 0)
        blob = history.listing(1)[b"log"]
        git_program.hash_name = "md5"  # every blob then has another id
        with self.assertRaisesRegex(CannotRun, "other content for blob"):
            history.read(blob)

    def test_reason_why_a_directory_is_no_repository(self):
        repository = small_history(1).make(self.path("repo"))
        self.write("repo/below/file", b"content")
        self.write("plain/file", b"content")
        for directory, reason in ((self.path("plain"), "not a git repository"),
                                  (self.path("absent"), "No such file"),
                                  (os.path.join(repository, "below"), "inside a git repository")):
            with self.assertRaisesRegex(NoHistory, reason):
                Git(directory)

    def test_size_for_the_store(self):
        stream = ImportStream()
        stream.commit()
        for size in (1024, 4096, 4097):
            stream.put(b"%d" % size, b"x" * size)
        stream.commit()
        stream.delete(b"1024")
        size = HistorySize(self.load(stream.make(self.path("repo"))))
        self.assertEqual((size.puts, size.deletes, size.changes_max), (3, 1, 3))
        self.assertEqual((size.value_bytes, size.step_bytes_max), (1024 + 4096 + 4097,) * 2)
        self.assertEqual(size.device_bytes, 3 * 4096)
        self.assertGreater(size.record_bytes_max, 1024)


class FileHistoryTest(HistoryTest):
    def test_files_are_added_in_steps(self):
        self.write("tree/.git/config", b"not content")
        self.write("tree/out/build/CMakeCache.txt", b"not content")
        self.write("tree/out/build/object.o", b"not content")
        for number in range(450):
            self.write(f"tree/f\n{number}", b"x" * number)
        os.symlink("nowhere at all", self.path("tree/link"))
        os.symlink("out", self.path("tree/link to a directory"))
        os.mkfifo(self.path("tree/pipe"))
        history = self.load(self.path("tree"))
        self.assertEqual(len(history.steps), 200)
        self.assertIn("452 files of", history.origin)
        self.assertEqual(history.notes, ["special, unreadable or too large files left out: 1"])
        self.expect_steps_add_up_to_listings(history)
        listing = history.listing(200)
        self.assertEqual(history.read(listing[b"link"]), b"nowhere at all")
        self.assertEqual(history.read(listing[b"link to a directory"]), b"out")
        self.assertEqual(len(history.read(listing[b"f\n449"])), 449)

    def test_repository_without_commits_is_taken_as_files(self):
        git("/", "init", "--quiet", self.path("tree"))
        self.write("tree/only", b"")
        history = self.load(self.path("tree"))
        self.assertIn("1 file of", history.origin)
        self.assertIn("in 1 step (not a git history: nothing has been committed there yet)", history.origin)
        self.assertEqual(history.listing(1), {b"only": b"only"})

    def test_file_that_changes_meanwhile_is_an_error(self):
        for before, after in ((b"before", b"after it was listed"), (b"before", b"BEFORE")):
            self.write("tree/a", before)
            history = FileHistory(self.path("tree"), "a test", 0)
            self.assertEqual(history.read(b"a"), before)
            self.write("tree/a", after)
            with self.assertRaisesRegex(CannotRun, "changed while it was being replayed"):
                history.digest(b"a")

    def test_nothing_to_replay(self):
        os.mkdir(self.path("empty"))
        for directory in ("empty", "absent"):
            with self.assertRaisesRegex(NoHistory, "holds no files to replay .and no git history"):
                load_history(self.path(directory), 0)
