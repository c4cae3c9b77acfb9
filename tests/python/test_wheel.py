"""The wheel, installed in a new virtual environment."""

import base64
import csv
import hashlib
import io
import os
import subprocess
import sys
import zipfile

import pytest
from conftest import ROOT

EXPECTED = """version 2, 1 key existed
image: 102400 bytes, equal: True
keys: ['image', 'greeting']
in version 2: b'hello' now: None
after the rollback: b'hello'
session: [(True, 102400), (False, 0)]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    made = subprocess.run([ROOT / "tools/build-wheel", "--library", os.environ["RAWKV_LIBRARY"], "--out", out],
                          check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    assert os.path.basename(made).endswith(f"-py3-none-linux_{os.uname().machine}.whl")
    return made


def clean_environment():
    """Without what the other tests use to find the packages and the library."""
    return {name: value for name, value in os.environ.items() if name not in ("RAWKV_LIBRARY", "PYTHONPATH")}


def test_record_lists_every_file_with_its_digest(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        record = next(name for name in names if name.endswith("/RECORD"))
        rows = list(csv.reader(io.StringIO(archive.read(record).decode())))
        assert sorted(row[0] for row in rows) == sorted(names)
        for path, digest, size in rows:
            if path != record:
                content = archive.read(path)
                expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
                assert (digest, int(size)) == (f"sha256={expected}", len(content))
        metadata = archive.read(record.replace("RECORD", "METADATA")).decode()
    assert "Requires-External: librocksdb" in metadata and "Requires-External: liburing2" in metadata


def test_installed_wheel_runs_the_example(wheel, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", wheel],
                   check=True, env=clean_environment())
    answer = subprocess.run([python, ROOT / "bindings/python/examples/example.py", tmp_path / "store"], check=True,
                            env=clean_environment(), capture_output=True, text=True, cwd=tmp_path)
    assert answer.stdout == EXPECTED
    where = subprocess.run([python, "-c", "import rawkv, rawkv_lmcache, rawkv_hicache, rawkv._library;"
                            "print(rawkv._library.library()._name)"], check=True, env=clean_environment(),
                           capture_output=True, text=True, cwd=tmp_path).stdout
    assert where.startswith(str(tmp_path / "venv")), "the library is the one of the wheel"
