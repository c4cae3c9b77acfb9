#!/usr/bin/env python3
"""Checks the include rules of docs/architecture.md.

  * {tools, bindings} -> report -> engine -> {snapshot, wal, blockdev} -> base; none between those in braces.
  * Inside engine/, a wing includes only wings on lower floors (WING_FLOORS).
  * Third-party headers stay in the few files that wrap them.
  * Quoted includes name a file from the root of the tree; a .cc file includes its own header first.
  * Headers begin with #pragma once.
Tests may include any layer and any third-party header.
"""

import fnmatch
import re
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
from source_tree import LAYERS, run, source_files  # noqa: E402

MAY_INCLUDE = {
    "base": {"base"},
    "blockdev": {"base", "blockdev"},
    "wal": {"base", "wal"},
    "snapshot": {"base", "snapshot"},
    "engine": {"base", "blockdev", "wal", "snapshot", "engine"},
    "report": {"base", "engine", "report"},
    "bindings": {"base", "blockdev", "engine", "report", "bindings"},
    "tools": set(LAYERS),
}

# The folders of engine/, from the bottom. Wings on one floor do not include each other.
WING_FLOORS = (
    ("api",),
    ("payload", "rocksdb", "value_cache", "cache_table"),
    ("index", "cache_api"),
    ("space",),
    ("undo",),
    ("store",),
    ("format",),
    ("live", "read", "control"),
    ("commit", "recovery"),
    ("checkpoint", "device", "maintenance", "session", "transfer"),
    ("admin",),
    ("cache",),
)
# The wing that uses the public engine, as a program would.
ABOVE_THE_ENGINE = "cache"
FLOOR_OF = {wing: floor for floor, wings in enumerate(WING_FLOORS) for wing in wings}

# The files that parse a protobuf message; its types do not leave them.
PROTOBUF_WRAPPERS = ("wal/change_set.cc", "snapshot/manifest.cc", "snapshot/export_format.cc",
                     "snapshot/pins.cc", "engine/store/store_file.cc")

# (included header, files that may include it). The first pattern that matches an include counts.
THIRD_PARTY = (
    ("rocksdb/*", ("engine/index/*.cc", "engine/rocksdb/*.cc", "tools/bench/rocksdb_peer.cc")),
    ("lmdb.h", ("tools/bench/lmdb_peer.cc",)),
    ("*.pb.h", PROTOBUF_WRAPPERS),
    ("google/protobuf/*", PROTOBUF_WRAPPERS),
    ("liburing*", ("blockdev/io_uring_ring.cc",)),
    ("blkid/*", ("blockdev/*.cc",)),
    ("libmount*", ("blockdev/device_users.cc",)),
    ("openssl/*", ("base/*.cc", "engine/*.cc", "tools/*.cc")),
    ("xxh*.h", ("base/checksum.cc",)),
    ("gflags/*", ("tools/*",)),
    ("editline/*", ("tools/ctl/line_editor.cc",)),
    ("nlohmann/*", ("report/*", "tools/*", "engine/cache_api/options_json.cc")),
    ("fmt/*", ("tools/*",)),
    ("prometheus/*", ("tools/*",)),
    ("gtest/*", ()),
    ("gmock/*", ()),
)

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def includes_of(text):
    """(line number, quoted, name) of each include."""
    for number, line in enumerate(text.splitlines(), start=1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def third_party_problem(file, name):
    for pattern, allowed in THIRD_PARTY:
        if fnmatch.fnmatchcase(name, pattern):
            if any(fnmatch.fnmatchcase(str(file), glob) for glob in allowed):
                return None
            return f"<{name}> belongs only in {', '.join(allowed) or 'tests'}"
    return None


def own_header_problem(root, file, names):
    header = file.with_suffix(".h")
    if file.suffix == ".cc" and (root / header).exists() and (not names or names[0] != str(header)):
        return f"{file}:1: its own header {header} must be the first include"
    return None


def wing_of(path):
    """"commit" for engine/commit/…, None for a file directly in engine/ or of another layer."""
    parts = path.split("/")
    return parts[1] if parts[0] == "engine" and len(parts) > 2 else None


def wing_problem(file, name):
    if not name.startswith("engine/"):
        return None
    wing, target = wing_of(str(file)), wing_of(name)
    for folder in (wing, target):
        if folder is not None and folder not in FLOOR_OF:
            return f"engine/{folder} has no floor in WING_FLOORS"
    if wing is None or wing == target:
        return None
    if target is None:
        if wing == ABOVE_THE_ENGINE and name == "engine/engine.h":
            return None
        return f'{wing} must not include the engine itself ("{name}")'
    if FLOOR_OF[target] >= FLOOR_OF[wing]:
        return f'{wing} must not include {target}, which is not on a lower floor ("{name}")'
    return None


def file_problems(root, file):
    text = (root / file).read_text(encoding="utf-8")
    layer = file.parts[0]
    is_test = layer == "tests"
    includes = list(includes_of(text))
    problems = []
    if file.suffix == ".h" and "#pragma once" not in text:
        problems.append(f"{file}:1: no #pragma once")
    own_header = own_header_problem(root, file, [name for _, _, name in includes])
    if own_header:
        problems.append(own_header)
    for number, quoted, name in includes:
        where = f"{file}:{number}"
        target = name.split("/")[0]
        exists = (root / name).exists() or (root / (name + ".in")).exists()
        if quoted and not name.endswith(".pb.h") and not exists:
            problems.append(f'{where}: "{name}" is not a path from the root of the tree')
        if is_test:
            continue
        if quoted and target == "tests":
            problems.append(f'{where}: "{name}": only tests may include tests')
        if quoted and target in LAYERS and target not in MAY_INCLUDE[layer]:
            problems.append(f'{where}: {layer} must not include {target} ("{name}")')
        wing = wing_problem(file, name) if quoted and layer == "engine" else None
        if wing:
            problems.append(f"{where}: {wing}")
        third_party = third_party_problem(file, name)
        if third_party:
            problems.append(f"{where}: {third_party}")
    return problems


def check(root):
    return [problem for file in source_files(root) for problem in file_problems(root, file)]


if __name__ == "__main__":
    run(check, __doc__.splitlines()[0])
