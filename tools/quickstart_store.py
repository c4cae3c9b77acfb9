"""A store as the quickstart uses it: each method is one rawkv-ctl command, described in docs/cli.md."""

import base64
import json

from quickstart_process import CannotRun, Child, describe_end, run


class Unequal(Exception):
    """The store does not hold what it must."""


def failure(command, status, errors):
    """The error for a rawkv-ctl that failed. Its statuses 2 (usage) and 5 (I/O error, no space) say nothing
    against the store."""
    text = f"rawkv-ctl {' '.join(command)} {describe_end(status, errors)}"
    return CannotRun(text) if status in (2, 5) else Unequal(text)


def base64_text(data):
    return base64.b64encode(data).decode()


class Store:
    def __init__(self, ctl, directory):
        self.directory = directory
        self._ctl = ctl

    def argv(self, *arguments):
        return [self._ctl, *arguments, f"--store={self.directory}"]

    def _output(self, *arguments):
        ended = run(self.argv(*arguments))
        if ended.status != 0:
            raise failure(arguments, ended.status, ended.errors or ended.output)
        return ended.output

    def _rows(self, *arguments):
        return [json.loads(line) for line in self._output(*arguments, "--json").splitlines()]

    def format(self, **flags):
        self._output("format", *(f"--{name}={value}" for name, value in flags.items()))

    def info(self):
        return self._rows("info")[0]

    def scan(self, version=None):
        """(key, SHA-256, size) of each key of a version, or of the newest."""
        at = [] if version is None else [f"--version={version}"]
        for row in self._rows("scan", "--sha256", *at):
            key = base64.b64decode(row["key_b64"]) if "key_b64" in row else row["key"].encode()
            yield key, row["sha256"], row["size"]

    def get(self, key, version):
        return self._output("get", f"--key_b64={base64_text(key)}", f"--version={version}")

    def refuses(self, version):
        """Whether reading a version is refused (status 3), as it must be for one that is no longer kept."""
        return run(self.argv("scan", "--limit=1", f"--version={version}")).status == 3

    def snapshot(self):
        self._output("snapshot", "create")

    def pin(self, name):
        """Takes a snapshot of the newest version and holds it by name, so that it is not pruned."""
        self._output("snapshot", "pin", f"--name={name}")

    def verify_snapshots(self):
        return self._rows("snapshot", "verify")

    def roll_back(self, version):
        # Pins above the version go, too; without the flag they would forbid it.
        return self._rows("rollback", f"--version={version}", "--drop_pins", "--yes")[0]

    def fsck(self):
        return self._rows("fsck", "--deep")[0]


class Apply:
    """`rawkv-ctl apply -`: commits a change set a line, and answers with its version once that is durable."""

    def __init__(self, store, directory):
        self._child = Child(store.argv("apply", "-", "--json"), cwd=directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.close()

    def send(self, change_set):
        self._child.send(json.dumps(change_set).encode() + b"\n")

    def require_answer(self, version):
        line = self._child.answers.readline()
        if not line.endswith(b"\n"):
            raise failure(["apply"], *self._child.finish())
        if json.loads(line)["version"] != version:
            raise Unequal(f"rawkv-ctl apply answered {line.decode().strip()} to version {version}")

    def finish(self):
        status, errors = self._child.finish()
        if status != 0:
            raise failure(["apply"], status, errors)

    def kill(self):
        """SIGKILL. Returns whether the change set sent last had been acknowledged by then."""
        self._child.kill()
        return self._child.answers.read().endswith(b"\n")
