"""Fixtures of the tests of the Python packages. RAWKV_LIBRARY and PYTHONPATH name what is tested."""

import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import rawkv  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def files_are_removed(tmp_path):
    """pytest would keep the files of its last three runs."""
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def directory(tmp_path):
    """A path at which a test makes a store."""
    return str(tmp_path / "store")


@pytest.fixture
def store(directory):
    """An open, empty store on a device file of 64 MiB."""
    rawkv.format_store(directory, capacity="64MiB")
    with rawkv.open_store(directory) as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_descriptor_is_left_open(request):
    """Compares the open descriptors before and after each test, without those that pytest itself opens."""
    def descriptors():
        found = set()
        for name in os.listdir("/proc/self/fd"):
            try:
                found.add((name, os.readlink(f"/proc/self/fd/{name}")))
            except FileNotFoundError:
                pass  # of the listing itself
        return {one for one in found if not one[1].startswith(("/proc/", "pipe:")) and "pytest" not in one[1]
                or "store" in one[1]}

    before = descriptors()
    yield
    # The fixture `store` is closed after this one, so its files do not count.
    if "store" not in request.fixturenames:
        assert descriptors() - before == set()
