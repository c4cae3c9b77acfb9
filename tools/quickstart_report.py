"""What the quickstart prints for people."""

import os
import sys
import time


class Progress:
    """A line on standard error, if that is a terminal."""

    def __init__(self):
        self._terminal, self._due, self._line = sys.stderr.isatty(), 0.0, ""

    def show(self, what, done=0, total=0):
        if self._terminal and time.monotonic() >= self._due:
            self._due = time.monotonic() + 0.1
            self._line = f"{what}: {done} of {total} ({100 * done // total}%)" if total else what
            print(f"\r{self._line}\x1b[K", end="", file=sys.stderr, flush=True)

    def clear(self):
        if self._line:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        self._line, self._due = "", 0.0


progress = Progress()


def report(label, text):
    progress.clear()
    print(f"{label:<11}{text}", flush=True)


def complain(text):
    progress.clear()
    print(f"quickstart: {text}", file=sys.stderr)


def shown(key):
    """In quotes, with escapes for what is not text."""
    return repr(os.fsdecode(key))


def things(number, thing):
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def joined(items):
    return ", ".join(str(item) for item in items)


def human_time(seconds):
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def human_bytes(size):
    power = min(max(size.bit_length() - 1, 0) // 10, 4)
    return f"{size / 1024**power:.1f}".removesuffix(".0") + (" B", " KiB", " MiB", " GiB", " TiB")[power]
