"""Git histories for the quickstart's tests, the same ones every time."""

import os
import random
import subprocess

GIT_ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
}
FILE, EXECUTABLE, SYMLINK, SUBMODULE = b"100644", b"100755", b"120000", b"160000"
FOREIGN_COMMIT = b"1" * 40  # any will do: submodules are never looked into


def git(directory, *arguments, text=b""):
    """Runs git without the machine's configuration; its output."""
    return subprocess.run(["git", "-C", directory, *arguments], input=text, env=GIT_ENVIRONMENT, check=True,
                          stdout=subprocess.PIPE).stdout


class ImportStream:
    """A `git fast-import` stream, written commit by commit. Paths and contents are bytes."""

    def __init__(self):
        self.text = b""
        self.commits = 0

    def commit(self, branch=b"main", merged=None):
        """Begins the next commit of a branch, on top of its last one and of that of `merged`."""
        self.commits += 1
        self.text += b"commit refs/heads/%s\n" % branch
        self.text += b"committer A <a@example.org> %d +0000\n" % (1700000000 + self.commits)
        self._data(b"commit %d" % self.commits)
        if merged:
            self.text += b"merge refs/heads/%s\n" % merged

    def put(self, path, content, mode=FILE):
        self.text += b"M %s inline %s\n" % (mode, self._quoted(path))
        self._data(content)

    def put_submodule(self, path):
        self.text += b"M %s %s %s\n" % (SUBMODULE, FOREIGN_COMMIT, self._quoted(path))

    def delete(self, path):
        self.text += b"D %s\n" % self._quoted(path)

    def rename(self, old, new):
        self.text += b"R %s %s\n" % (self._quoted(old), self._quoted(new))

    def fork(self, branch):
        """A new branch at the newest commit of main."""
        self.text += b"reset refs/heads/%s\nfrom refs/heads/main\n\n" % branch

    def make(self, directory, *init_options):
        """A new repository with all this; HEAD is main, nothing is checked out."""
        git("/", "init", "--quiet", "--initial-branch=main", *init_options, directory)
        git(directory, "fast-import", "--quiet", text=self.text)
        return directory

    @staticmethod
    def _quoted(path):
        return b'"%s"' % b"".join(b"\\%03o" % byte for byte in path)

    def _data(self, content):
        self.text += b"data %d\n%s\n" % (len(content), content)


STEMS = (b"plain", b"with space", b"new\nline", b"tab\there", b'"quoted"', b"back\\slash", b"\xff\xfe\x80",
         "ünïcode".encode(), b"-rf", b":colon", b"*", b" leading", b"trailing ", b"100644 blob",
         b"\x01\x7f control", "ä/ö/ü".encode(), b"a b/c\nd/e")


class Churn:
    """Files that come, change, move and go at random, under names of every kind."""

    def __init__(self, stream):
        self._stream = stream
        self._random = random.Random(20230401)
        self._files = []
        self._made = 0

    def commit(self):
        self._stream.commit()
        for _ in range(self._random.randint(1, 5)):
            what = self._random.randrange(10)
            if what < 4 or len(self._files) < 5:
                self._files.append(self._new_name())
                self._stream.put(self._files[-1], self._new_content())
            elif what < 7:
                self._stream.put(self._random.choice(self._files), self._new_content())
            else:
                gone = self._files.pop(self._random.randrange(len(self._files)))
                if what < 8:
                    self._files.append(self._new_name())
                    self._stream.rename(gone, self._files[-1])
                else:
                    self._stream.delete(gone)

    def _new_name(self):
        self._made += 1
        return b"churn/%d/%s.%d" % (self._random.randrange(8), self._random.choice(STEMS), self._made)

    def _new_content(self):
        around_inline, around_slot = self._random.randint(1023, 1025), self._random.randint(4095, 4097)
        size = self._random.choice((0, around_inline, around_slot, self._random.randrange(40000), None, None))
        if size is None:
            return b"text %d\r\nmore\n" % self._random.getrandbits(60)
        return self._random.randbytes(size)


def eventful_history():
    """Everything that a replay has to get right: adds, changes, deletes, renames, a mode change, empty, binary
    and large files, symlinks, a file that becomes a symlink, a directory and a submodule, merges, a commit that
    changes nothing, and names with spaces, newlines, quotes and bytes that are not UTF-8."""
    stream = ImportStream()
    churn = Churn(stream)
    large = random.Random(7).randbytes((3 << 20) + 17)
    for _ in range(25):
        churn.commit()
    stream.commit()
    stream.put(b"kinds/script", b"#!/bin/sh\n")
    stream.put(b"kinds/link", b"../elsewhere/\xff not there", SYMLINK)
    stream.put(b"kinds/file then directory", b"a file")
    stream.put(b"kinds/file then link", b"a file, too")
    stream.put_submodule(b"kinds/module")
    stream.put(b"large/one", large)
    stream.commit()
    stream.put(b"kinds/script", b"#!/bin/sh\n", EXECUTABLE)
    stream.commit()
    stream.put(b"kinds/file then link", b"script", SYMLINK)
    stream.delete(b"kinds/file then directory")
    stream.put(b"kinds/file then directory/inside", b"now a directory")
    stream.commit()
    stream.put(b"kinds/module", b"a submodule that became a file")
    stream.put_submodule(b"kinds/link")
    stream.put(b"large/two", large[:1 << 20] + b"changed" + large[1 << 20:])
    stream.commit()  # changes nothing
    for branch in (b"side-1", b"side-2"):
        stream.fork(branch)
        stream.commit(branch)
        stream.put(b"side/" + branch, b"only by way of a merge")
        for _ in range(15):
            churn.commit()
        stream.commit(merged=branch)
        stream.put(b"side/" + branch, b"as merged")
    for _ in range(20):
        churn.commit()
    stream.commit()
    stream.delete(b"large/one")
    return stream


def small_history(commits):
    stream = ImportStream()
    for number in range(1, commits + 1):
        stream.commit()
        stream.put(b"file %d" % number, b"content %d" % number)
        stream.put(b"log", b"x" * 1000 * number)
        stream.put(b"marked", b"payload of commit %d " % number * 100)
        if number > 6:
            stream.delete(b"file %d" % (number - 6))
    return stream
