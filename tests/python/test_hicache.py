"""RawkvHiCache against the contract of SGLang's dynamic backend."""

import ctypes
import types

import pytest
import rawkv
from lmcache_host import content_of
from rawkv_hicache import RawkvHiCache

PAGE_BYTES = 20_001


class Pool:
    """A host memory pool: each page has one piece of memory for K and one for V."""

    def __init__(self, pages, parts=2):
        self.parts = parts
        self.memory = (ctypes.c_char * (pages * parts * PAGE_BYTES))()

    def get_page_buffer_meta(self, host_indices):
        begin = ctypes.addressof(self.memory)
        pointers = [begin + (page * self.parts + part) * PAGE_BYTES for page in host_indices
                    for part in range(self.parts)]
        return pointers, [PAGE_BYTES] * len(pointers)

    def page(self, number):
        size = self.parts * PAGE_BYTES
        return memoryview(self.memory).cast("B")[number * size:(number + 1) * size]


class Tensor:
    """A tensor in host memory as far as a backend uses it."""

    def __init__(self, content):
        self.memory = (ctypes.c_uint16 * (len(content) // 2)).from_buffer_copy(content)

    def data_ptr(self):
        return ctypes.addressof(self.memory)

    def numel(self):
        return len(self.memory)

    def element_size(self):
        return 2


def config(rank=0, **extra):
    return types.SimpleNamespace(tp_rank=rank, tp_size=2, pp_rank=0, pp_size=1, is_mla_model=False,
                                 model_name="org/model", extra_config=extra)


@pytest.fixture
def storage(directory):
    made = RawkvHiCache(config(), {"backend_name": "rawkv", "interface_v1": 1, "directory": directory,
                                   "capacity": "64MiB"})
    yield made
    made.close()


def test_pages_are_stored_from_the_pool_and_read_into_it(storage):
    pool = Pool(128)
    storage.register_mem_pool_host(pool)
    keys = [f"hash-{number}" for number in range(64)]
    for number in range(64):
        pool.page(number)[:] = content_of(number, 2 * PAGE_BYTES)
    assert storage.batch_set_v1(keys, range(64)) == [True] * 64
    assert storage.batch_set_v1(keys[:2], range(64, 66)) == [True, True], "a page that exists keeps its value"
    assert storage.batch_exists([*keys, "missing"]) == 64
    assert storage.batch_exists(["missing", *keys]) == 0
    assert storage.batch_exists([*keys[:3], "missing", *keys[3:]]) == 3
    assert storage.batch_get_v1([*keys, "missing"], range(64, 129 - 1)) == [False] * 65, "a wrong number of pages"
    assert storage.batch_get_v1([*keys[:63], "missing"], range(64, 128)) == [True] * 63 + [False]
    for number in range(63):
        assert pool.page(64 + number) == content_of(number, 2 * PAGE_BYTES)
    assert storage._store.version == 2, "one commit a batch"


def test_ranks_do_not_share_pages_but_ranks_of_an_mla_model_do(directory):
    names = []
    for rank in (0, 1):
        for mla in (False, True):
            one = config(rank, directory=directory, capacity="16MiB")
            one.is_mla_model = mla
            storage = RawkvHiCache(one, {})
            names.append(storage._names("key", 2))
            storage.close()
    assert len({tuple(name) for name in names}) == 3 and names[1] == names[3]
    assert all("/" not in part for name in names for part in name)


def test_each_rank_has_its_own_store(tmp_path):
    extra = {"directory": str(tmp_path / "store-{tp_rank}-{pp_rank}"), "capacity": "16MiB"}
    both = [RawkvHiCache(config(rank), extra) for rank in (0, 1)]
    assert all((tmp_path / f"store-{rank}-0").is_dir() for rank in (0, 1))
    with pytest.raises(rawkv.BusyError):
        RawkvHiCache(config(1), extra)
    for storage in both:
        storage.close()


def test_tensors_and_buffers(storage):
    value = content_of("tensor", 10_000)
    assert storage.set("a", Tensor(value)) is True
    assert storage.exists("a") and not storage.exists("b")
    target = Tensor(bytes(10_000))
    assert storage.get("a", target) is target and bytes(target.memory) == value
    assert storage.get("b", target) is None
    assert storage.get("a", Tensor(bytes(9_998))) is None, "a value of another length is a miss"
    assert storage.batch_set(["c", "d"], [b"C" * 100, b"D" * 100]) is True
    outs = [bytearray(100), bytearray(100), bytearray(100)]
    assert storage.batch_get(["c", "x", "d"], outs) == [outs[0], None, outs[2]]
    assert outs == [bytearray(b"C" * 100), bytearray(100), bytearray(b"D" * 100)]
    stats = storage.get_stats()
    assert (stats["hits"], stats["misses"], stats["stored"], stats["errors"]) == (3, 3, 3, 0)
    storage.clear()
    assert storage.batch_exists(["a"]) == 0


def test_no_call_raises(storage, caplog):
    wrong = object()
    assert storage.batch_get_v1(["a"], [0]) == [False], "no pool"
    assert storage.batch_set_v1(["a", "b"], [0, 1]) == [False, False]
    assert storage.batch_set(["a"], [wrong]) is False
    assert storage.set("a", "text") is False and storage.set("a") is False
    assert storage.set("", b"x") is True and storage.set("k" * 70_000, b"x") is False
    assert storage.get("a") is None and storage.batch_get(["a"], None) == [None]
    assert storage.batch_exists(wrong) == 0 and storage.batch_exists([1]) == 0
    assert storage.exists(wrong) is False
    assert storage.batch_set(["large"], [bytearray(100 << 20)]) is False and "no space" in caplog.text
    assert storage.batch_exists(["large"]) == 0
    storage.close()
    assert storage.batch_exists(["a"]) == 0 and storage.get("a", bytearray(1)) is None
    assert storage.set("a", b"x") is False and storage.clear() is None and storage.get_stats() is None


def test_errors_of_the_open_are_raised(directory):
    with pytest.raises(ValueError, match="directory"):
        RawkvHiCache(config(), {})
    with pytest.raises(rawkv.NotFoundError):
        RawkvHiCache(config(), {"directory": directory, "format_if_missing": False})
