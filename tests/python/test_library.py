"""Finding the library, and clear errors if it is missing or does not fit."""

import os
import pathlib
import shutil
import subprocess
import sys

import rawkv
from rawkv import _library

PACKAGES = pathlib.Path(rawkv.__file__).resolve().parents[1]


def run(code, library, packages=PACKAGES):
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    environment.pop("RAWKV_LIBRARY", None)
    if library is not None:
        environment["RAWKV_LIBRARY"] = str(library)
    return subprocess.run([sys.executable, "-B", "-c", code], env=environment, capture_output=True, text=True,
                          check=False)


PRINT_ERROR = """
import rawkv
try:
    rawkv.open_store("nothing")
except rawkv.LibraryError as error:
    print(error)
"""


def make_library(path, source):
    (path / "other.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path / "other.so", path / "other.c"], check=True)
    return path / "other.so"


def test_missing_library_names_what_to_install_and_where_it_looked(tmp_path):
    answer = run(PRINT_ERROR, tmp_path / "missing.so")
    assert "Install the package librawkv0" in answer.stdout
    assert f"{tmp_path}/missing.so: " in answer.stdout
    assert answer.stderr == ""


def test_other_library_is_refused(tmp_path):
    library = make_library(tmp_path, "int unrelated(void) { return 1; }\n")
    assert "is not the library rawkv" in run(PRINT_ERROR, library).stdout


def test_too_old_library_is_refused_with_both_versions(tmp_path):
    library = make_library(tmp_path, "unsigned rawkv_abi_version(void) { return 0; }\n")
    answer = run(PRINT_ERROR, library).stdout
    assert "has version 0 of the C interface, and this package needs 1 or later" in answer


def test_library_without_a_function_is_refused_by_name(tmp_path):
    library = make_library(tmp_path, "unsigned rawkv_abi_version(void) { return 7; }\n")
    answer = run(PRINT_ERROR, library).stdout
    assert "has version 7 of the C interface, but lacks a function" in answer and "rawkv_code_name" in answer


def test_library_next_to_the_package_is_found(tmp_path):
    shutil.copytree(PACKAGES / "rawkv", tmp_path / "rawkv")
    shutil.copy(os.environ["RAWKV_LIBRARY"], tmp_path / "rawkv" / _library.SONAME)
    answer = run("import rawkv; print(rawkv.abi_version(), rawkv._library.library()._name)", None, tmp_path)
    version, name = answer.stdout.split()
    assert int(version) == rawkv.abi_version()
    assert name == str(tmp_path / "rawkv" / _library.SONAME)


def test_import_does_not_load_the_library(tmp_path):
    assert run("import rawkv; print('imported')", tmp_path / "missing.so").stdout == "imported\n"
