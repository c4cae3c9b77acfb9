"""How the quickstart runs other programs, and how it describes their end."""

import collections
import signal
import subprocess
import tempfile

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Ended = collections.namedtuple("Ended", "status output errors")

_running = set()


class CannotRun(Exception):
    """The machine, git or the files to replay failed; nothing is known against the store."""


def describe_end(status, errors):
    """For people: how a program ended (negative: by a signal), and what it printed on standard error."""
    how = f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"
    text = " ".join(errors.decode(errors="backslashreplace").split())
    return f"{how}: {text[-2000:]}" if text else how


def start(argv, **options):
    """Starts a program that `kill_all` knows. It never gets the signals of an interruption: a Ctrl-C on the
    terminal ends the quickstart, which then kills its programs before it removes their files."""
    signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    try:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
        _running.add(process)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
    return process


def kill_all():
    while _running:
        process = _running.pop()
        process.kill()
        process.wait()


def run(argv, requests=b"", env=None):
    """Runs a program to its end; `requests` are its standard input."""
    process = start(argv, stderr=subprocess.PIPE, env=env)
    output, errors = process.communicate(requests)
    _running.discard(process)
    return Ended(process.returncode, output, errors)


class Child:
    """A program that stays and answers requests through its standard input and output."""

    def __init__(self, argv, **options):
        self._errors = tempfile.TemporaryFile()  # a pipe that nobody reads meanwhile could fill up
        self._process = start(argv, stderr=self._errors, **options)
        self.answers = self._process.stdout

    def send(self, request):
        try:
            self._process.stdin.write(request)
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended; so its answer will not come, and the caller asks why

    def kill(self):
        """SIGKILL. What it answered before can still be read."""
        self._process.kill()

    def finish(self):
        """Closes its input and waits for its end. Returns its exit status and errors."""
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # a request that it did not read any more
        status = self._process.wait()
        _running.discard(self._process)
        self._errors.seek(0)
        return status, self._errors.read()

    def close(self):
        self.kill()
        self.finish()
        self.answers.close()
        self._errors.close()
