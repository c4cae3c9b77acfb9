"""The ctypes declarations are those of the C interface."""

import ctypes
import re
import struct

import rawkv
from conftest import ROOT
from rawkv import _abi, _library, errors, fast_session

LINES = (ROOT / "tests/bindings/abi.txt").read_text().splitlines()
HEADER = (ROOT / "bindings/c/rawkv_c.h").read_text()


def test_structs_have_the_sizes_and_offsets_of_the_library():
    """The library may have structs that this package does not use."""
    compared = set()
    for line in LINES:
        kind, name, *number = line.split()
        struct_name, _, field = name.partition(".")
        if kind not in ("sizeof", "offset") or struct_name not in _abi.STRUCTS:
            continue
        declared = _abi.STRUCTS[struct_name]
        assert (getattr(declared, field).offset if field else ctypes.sizeof(declared)) == int(number[0]), line
        compared.add(struct_name)
    assert compared == set(_abi.STRUCTS)


def test_structs_have_the_fields_of_the_header_in_its_order():
    for name, declared in _abi.STRUCTS.items():
        body = re.search(rf"typedef struct {name} {{(.*?)}} {name};", HEADER, re.DOTALL).group(1)
        body = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
        fields = re.findall(r"(\w+);", body)
        assert [field for field, _ in declared._fields_] == fields


def test_packed_layouts_are_those_of_the_structs():
    assert fast_session.READ.size == ctypes.sizeof(_abi.Read)
    assert fast_session.ANSWER.size == ctypes.sizeof(_abi.Answer)
    assert fast_session.COMPLETION.size == ctypes.sizeof(_abi.Completion)
    values = tuple(range(1, 13))
    packed = _abi.Completion.from_buffer_copy(fast_session.COMPLETION.pack(*values))
    assert (packed.id, packed.op, packed.code, packed.outcome, packed.version) == (1, 2, 3, 4, 6)
    assert (packed.answer_count, packed.existed_count, packed.memory) == (7, 9, 12)
    read = _abi.Read.from_buffer_copy(fast_session.READ.pack(1, 2, 3, 4, 5, 6, 7, 8))
    assert (read.key, read.key_size, read.out, read.out_size, read.code, read.size) == (1, 2, 3, 4, 5, 7)
    answer = _abi.Answer.from_buffer_copy(fast_session.ANSWER.pack(1, 2, 3, 4))
    assert (answer.code, answer.size, answer.written_by) == (1, 3, 4)


def test_each_declared_function_is_one_of_the_library():
    functions = {line.split()[1] for line in LINES if line.startswith("function ")}
    assert set(_abi.FUNCTIONS) <= functions
    assert len(_abi.FUNCTIONS) >= 52


def test_each_function_has_as_many_arguments_as_in_the_header():
    code = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)
    for name, (_, arguments) in _abi.FUNCTIONS.items():
        declared = re.search(rf"\b{name}\(([^)]*)\);", code).group(1).strip()
        assert len(arguments) == (0 if declared == "void" else declared.count(",") + 1), name


def test_batch_records_have_the_layout_of_the_header():
    assert rawkv.PACKED.size == 16
    assert rawkv.PACKED.pack(1, 2, 0, 3, 4) == bytes([1, 2, 0, 0]) + struct.pack("<I", 3) + struct.pack("<Q", 4)


def test_codes_are_those_of_the_header():
    numbers = {name: int(number) for name, number in re.findall(r"#define RAWKV_(\w+) (\d+)u?\b", HEADER)}
    ours = {name: value for module in (_abi, errors) for name, value in vars(module).items()
            if name.isupper() and isinstance(value, int) and name != "TIP"}
    assert len(ours) == 12 + 2 + 3 + 1 + 3 + 4  # codes, flags of a put, of a commit, of a rollback, outcomes, operations
    assert {name: numbers.get(name) for name in ours} == ours
    assert _abi.TIP == 2**64 - 1 and "#define RAWKV_TIP UINT64_MAX" in HEADER
    assert _library.ABI_VERSION_MIN <= numbers["ABI_VERSION"] == rawkv.abi_version()
    codes = range(1, 12)
    classes = {type(rawkv.error_of(code, "text")) for code in codes}
    assert len(classes) == len(codes)
    assert all(rawkv.error_of(code, "text").code == code for code in codes)
    unknown = rawkv.error_of(99, "text")
    assert type(unknown) is rawkv.RawkvError and unknown.code == 99
    assert rawkv.code_name(rawkv.NO_SPACE) == "no space"
