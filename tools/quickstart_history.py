"""What the quickstart replays, and the judge of the result: a git history, or files where there is no git.

A history has `steps`; step N (counted from 1) becomes version N, and version 0 is empty. A step gives keys a
new content, or None, which deletes them. A content is a name for a value: a blob's id, or a path.

  steps                list of Step
  origin, notes        for people: what is replayed, and what of it is left out
  step_name, judge     "commit" and "git's", or "step" and "the files'"
  size(content)        of a value, in bytes
  read(content)        the value itself
  digest(content)      its SHA-256 in hex, and its size
  listing(version)     {key: content}: everything that a version must hold

A listing is asked of git or the files each time; it is never derived from the steps.
"""

import collections
import hashlib
import os
import stat

from quickstart_process import CannotRun, Child, describe_end, run
from quickstart_report import things

# A commit's id or a made-up name, and {key: content or None}.
Step = collections.namedtuple("Step", "name changes")

KEY_BYTES_MAX = 64 << 10
VALUE_BYTES_MAX = 1 << 30
SLOT_BYTES, INLINE_BYTES = 4 << 10, 1 << 10  # of a new store with the defaults
FILE_STEPS_MAX = 200  # enough for a history, few enough to have several files each


class NoHistory(Exception):
    """Raised with the reason when there is nothing of this kind to replay."""


def load_history(directory, steps_max):
    """The newest `steps_max` steps (0: all) of what `directory` holds. NoHistory: nothing."""
    try:
        return GitHistory(Git(directory), steps_max)
    except NoHistory as error:
        no_git = error
    try:
        return FileHistory(directory, no_git, steps_max)
    except NoHistory as error:
        raise NoHistory(f"nothing to replay: {error} (and no git history: {no_git})") from None


class Git:
    """The git program, asked about one repository. Ids and paths are bytes."""

    # The answers depend on the repository's objects alone: no replaced objects, no grafts, no GIT_DIR of
    # whoever started us. Whose repository it is does not matter, since it is only read.
    ENVIRONMENT = {**{name: value for name, value in os.environ.items()
                      if not name.startswith(("GIT_", "LC_", "LANG")) or name == "GIT_EXEC_PATH"},
                   "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0",
                   "GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": "/dev/null",
                   "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}

    def __init__(self, directory):
        """NoHistory: `directory` is neither the top of a working tree nor a bare repository."""
        self.directory = os.path.realpath(directory)
        self._batch = None  # a git cat-file that stays, once a blob is read
        try:
            answer = self._run("rev-parse", "--show-object-format", "--show-prefix")
        except FileNotFoundError:
            raise NoHistory("there is no git program on this machine") from None
        if answer.status != 0:
            raise NoHistory(f"git {describe_end(answer.status, answer.errors)}")
        self.hash_name, prefix = answer.output.decode(errors="replace").split("\n")[:2]
        if self.hash_name not in ("sha1", "sha256"):
            raise NoHistory("this git, or this repository's object format, is not known")
        if prefix:
            raise NoHistory("it lies inside a git repository, but is not the top of one")

    def _argv(self, *arguments):
        return ["git", "-C", self.directory, *arguments]

    def _run(self, *arguments, requests=()):
        lines = b"".join(request + b"\n" for request in requests)
        return run(self._argv(*arguments), lines, self.ENVIRONMENT)

    def ask(self, *arguments, requests=()):
        """The output of a git command that gets `requests`, a line each."""
        answer = self._run(*arguments, requests=requests)
        if answer.status != 0:
            raise CannotRun(f"git {arguments[0]} {describe_end(answer.status, answer.errors)}")
        return answer.output

    def tip(self):
        """The commit of HEAD, or of the newest branch where HEAD names none; empty without commits."""
        head = self._run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return head.output.strip() or self.ask("for-each-ref", "--sort=-committerdate", "--count=1",
                                               "--format=%(objectname)", "refs/heads").strip()

    def read_blob(self, blob):
        if self._batch is None:
            self._batch = Child(self._argv("cat-file", "--batch"), env=self.ENVIRONMENT)
        self._batch.send(blob + b"\n")
        heading = self._batch.answers.readline()
        if heading:
            _, size = blob_heading(heading)
            value = self._batch.answers.read(size)
            if len(value) == size and self._batch.answers.read(1) == b"\n":
                # A blob's id is the digest of its content: so a listing, which names blobs, vouches for each
                # byte.
                digest = hashlib.new(self.hash_name, b"blob %d\0" % size)
                digest.update(value)
                if digest.hexdigest().encode() != blob:
                    raise CannotRun(f"git cat-file gave other content for blob {blob.decode()}")
                return value
        raise CannotRun(f"git cat-file {describe_end(*self._batch.finish())}")


def blob_heading(line):
    """The id and the size in an answer of git cat-file."""
    blob, *words = line.split()
    if words[:1] != [b"blob"]:
        raise CannotRun(f"git has no blob {os.fsdecode(line.strip())}; a partial clone needs its remote: "
                        "fetch the missing objects, or name a full clone")
    return blob, int(words[1])


def is_content(mode):
    """A file, or a symlink, whose content is its target. A submodule is content of another repository."""
    return mode.startswith(b"100") or mode == b"120000"


class GitHistory:
    """The first-parent history of a repository: key = path, value = content. The oldest commit taken counts
    as one that adds its whole tree; so it does for git in a shallow clone. Left out: submodules, and what is
    too large for a key or a value."""

    step_name, judge = "commit", "git's"

    def __init__(self, git, steps_max):
        self._git = git
        tip = git.tip()
        if not tip:
            raise NoHistory("nothing has been committed there yet")
        limit = [f"--max-count={steps_max}"] if steps_max else []
        commits = git.ask("rev-list", "--first-parent", "--reverse", *limit, tip).split()
        in_all = int(git.ask("rev-list", "--first-parent", "--count", tip))
        self._digests, self._submodules, self._long_paths = {}, set(), set()
        whole_tree = [(b"000000", mode, blob, path) for mode, blob, path in self._tree(commits[0])]
        self.steps = [self._step(commits[0], whole_tree),
                      *(self._step(commit, changes) for commit, changes in self._changes(commits))]
        self._leave_out_large_values()
        which = (f"the newest {len(commits):,} of {things(in_all, 'commit')}" if len(commits) < in_all else
                 things(in_all, "commit"))
        self.origin = f"git history of {os.fsdecode(git.directory)}: {which}, first-parent, {git.hash_name}"
        left_out = (("submodules", self._submodules),
                    (f"files above {VALUE_BYTES_MAX >> 20} MiB", self._large_blobs),
                    (f"paths above {KEY_BYTES_MAX >> 10} KiB", self._long_paths))
        self.notes = [f"{what} left out: {len(those)}" for what, those in left_out if those]

    def _tree(self, commit):
        """(mode, object id, path) of each file, symlink and submodule of a commit."""
        for entry in self._git.ask("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
            head, path = entry.split(b"\t", 1)
            mode, _, object_id = head.split(b" ")
            yield mode, object_id, path

    def _changes(self, commits):
        """[(commit, changes)]: what each commit but the first changed against the one before it."""
        # "commit parent" makes diff-tree take that parent for the only one: right for merges, and where the
        # list begins in the middle of a history.
        pairs = [commit + b" " + parent for parent, commit in zip(commits, commits[1:])]
        answer = self._git.ask("diff-tree", "--stdin", "--always", "-r", "-z", "--no-renames", "--no-abbrev",
                               requests=pairs)
        fields = iter(answer.split(b"\0")[:-1])
        out = []
        for field in fields:
            if field.startswith(b":"):
                old_mode, new_mode, _, new_id, _ = field[1:].split(b" ")
                out[-1][1].append((old_mode, new_mode, new_id, next(fields)))
            else:
                out.append((field, []))
        if [commit for commit, _ in out] != commits[1:]:
            raise CannotRun("git diff-tree left out a commit")
        return out

    def _step(self, commit, changes):
        step = Step(commit.decode(), {})
        for old_mode, new_mode, blob, path in changes:
            if b"160000" in (old_mode, new_mode):
                self._submodules.add(path)
            if len(path) > KEY_BYTES_MAX:
                self._long_paths.add(path)
            elif is_content(new_mode):
                step.changes[path] = blob
            elif is_content(old_mode):
                step.changes[path] = None
        return step

    def _leave_out_large_values(self):
        blobs = {blob for step in self.steps for blob in step.changes.values() if blob}
        answers = self._git.ask("cat-file", "--batch-check", "--buffer", requests=blobs).splitlines()
        self._sizes = dict(map(blob_heading, answers))
        self._large_blobs = {blob for blob, size in self._sizes.items() if size > VALUE_BYTES_MAX}
        for step in self.steps:
            for path, blob in step.changes.items():
                if blob in self._large_blobs:
                    step.changes[path] = None  # what the key held before must go all the same

    def size(self, blob):
        return self._sizes[blob]

    def read(self, blob):
        value = self._git.read_blob(blob)
        self._digests[blob] = hashlib.sha256(value).hexdigest(), len(value)
        return value

    def digest(self, blob):
        if blob not in self._digests:
            self.read(blob)
        return self._digests[blob]

    def listing(self, version):
        tree = self._tree(self.steps[version - 1].name) if version else ()
        return {path: blob for mode, blob, path in tree
                if is_content(mode) and len(path) <= KEY_BYTES_MAX and blob not in self._large_blobs}


class FileHistory:
    """The files below a directory, added some at a time and judged by the files themselves. Key = path below
    the directory, value = content (of a symlink: its target). Left out: .git, directories that CMake builds
    in, and what cannot be read. A file that changes meanwhile is an error that says so."""

    step_name, judge = "step", "the files'"

    def __init__(self, directory, no_git, steps_max):
        self._directory = os.fsencode(os.path.realpath(directory))
        self._sizes, self._digests = {}, {}
        left_out = 0
        for path in self._paths():
            status = os.lstat(os.path.join(self._directory, path))
            if self._takes_part(path, status):
                self._sizes[path] = status.st_size
            else:
                left_out += 1
        if not self._sizes:
            raise NoHistory(f"{os.fsdecode(self._directory)} holds no files to replay")
        self._files = sorted(self._sizes)
        steps = min(len(self._files), steps_max or FILE_STEPS_MAX, FILE_STEPS_MAX)
        self._ends = [len(self._files) * number // steps for number in range(steps + 1)]
        self.steps = [Step(f"files {begin + 1} to {end}", {path: path for path in self._files[begin:end]})
                      for begin, end in zip(self._ends, self._ends[1:])]
        self.origin = (f"{things(len(self._files), 'file')} of {os.fsdecode(self._directory)} in "
                       f"{things(steps, 'step')} (not a git history: {no_git})")
        self.notes = [f"special, unreadable or too large files left out: {left_out}"] if left_out else []

    def _paths(self):
        """Of everything below the directory that is not a directory, relative to it."""
        folders = [b""] if os.path.isdir(self._directory) else []
        while folders:
            folder = folders.pop()
            try:
                entries = list(os.scandir(os.path.join(self._directory, folder)))
            except PermissionError:
                continue
            for entry in entries:
                path = os.path.join(folder, entry.name)
                if not entry.is_dir(follow_symlinks=False):
                    yield path
                elif entry.name != b".git" and not os.path.exists(entry.path + b"/CMakeCache.txt"):
                    folders.append(path)

    def _takes_part(self, path, status):
        readable = stat.S_ISREG(status.st_mode) and os.access(os.path.join(self._directory, path), os.R_OK)
        return ((readable or stat.S_ISLNK(status.st_mode)) and len(path) <= KEY_BYTES_MAX
                and status.st_size <= VALUE_BYTES_MAX)

    def size(self, path):
        return self._sizes[path]

    def read(self, path):
        whole = os.path.join(self._directory, path)
        if os.path.islink(whole):
            value = os.readlink(whole)
        else:
            # Should a symlink or a pipe have taken the file's place, it is neither followed nor waited for.
            with open(os.open(whole, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                value = file.read()
        digest = hashlib.sha256(value).hexdigest(), len(value)
        if len(value) != self._sizes[path] or digest != self._digests.setdefault(path, digest):
            raise CannotRun(f"{os.fsdecode(whole)} changed while it was being replayed; run it again")
        return value

    def digest(self, path):
        self.read(path)
        return self._digests[path]

    def listing(self, version):
        return {path: path for path in self._files[:self._ends[version]]}


class HistorySize:
    """What a replay will write: values above INLINE_BYTES in whole slots, everything else in log records."""

    def __init__(self, history):
        self.puts = self.deletes = self.value_bytes = self.device_bytes = self.record_bytes = 0
        self.changes_max = self.record_bytes_max = self.step_bytes_max = 0  # of the largest step
        for step in history.steps:
            sizes = [history.size(content) for content in step.changes.values() if content is not None]
            large_sizes = [size for size in sizes if size > INLINE_BYTES]
            # Generous for the bookkeeping of a change, and for a checksum for each 256 KiB of a value.
            record_bytes = (sum(sizes) - sum(large_sizes) + sum(len(key) + 96 for key in step.changes)
                            + sum(10 * (size >> 18) for size in large_sizes))
            self.puts += len(sizes)
            self.deletes += len(step.changes) - len(sizes)
            self.value_bytes += sum(sizes)
            self.device_bytes += sum(-(-size // SLOT_BYTES) * SLOT_BYTES for size in large_sizes)
            self.record_bytes += record_bytes
            self.changes_max = max(self.changes_max, len(step.changes))
            self.record_bytes_max = max(self.record_bytes_max, record_bytes)
            self.step_bytes_max = max(self.step_bytes_max, sum(sizes))
