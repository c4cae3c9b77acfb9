"""Stores, reads, commits and history."""

import array
import mmap
import random
import threading

import pytest
import rawkv
from rawkv._handle import Handle


def test_values_of_every_kind_of_buffer_are_stored(store):
    backing = mmap.mmap(-1, 4096)
    backing[:3] = b"map"
    sources = {"bytes": b"one", "bytearray": bytearray(b"two"), "memoryview": memoryview(b"..three..")[2:7],
               "array": array.array("I", [1, 2, 3]), "mmap": backing, "empty": b""}
    for key, value in sources.items():
        assert store.put(key, value)
    assert {key: store.get(key) for key in sources} == {key: bytes(memoryview(value).cast("B"))
                                                        for key, value in sources.items()}


def test_buffer_that_is_not_contiguous_is_refused(store):
    with pytest.raises(BufferError):
        store.put("key", memoryview(b"abcdef")[::2])
    with pytest.raises(TypeError):
        store.put("key", "text")


@pytest.mark.parametrize("size", [0, 1, 1024, 4095, 4096, 4097, 100_000, 262_144, 1_000_001])
def test_values_of_every_size_return_whole(store, size):
    value = random.Random(size).randbytes(size)
    store.put("key", value)
    assert store.get("key") == value
    out = bytearray(size + 3)
    assert store.get_into("key", out) == size
    assert out[:size] == value
    assert store.multi_get(["key", "missing", "key"]) == [value, None, value]


def test_missing_key_gives_the_default(store):
    assert store.get("missing") is None
    assert store.get("missing", b"default") == b"default"
    assert "missing" not in store and not store.exists("missing")
    with pytest.raises(rawkv.NotFoundError):
        store.get_into("missing", bytearray(10))


def test_errors_have_class_code_and_message(store):
    with pytest.raises(rawkv.InvalidArgumentError) as caught:
        store.get("")
    assert caught.value.code == rawkv.INVALID_ARGUMENT
    assert "a key has 1 to 65536 bytes, not 0" in caught.value.message
    store.put("key", b"x" * 100)
    out = bytearray(99)
    with pytest.raises(rawkv.InvalidArgumentError, match="100"):
        store.get_into("key", out)
    assert out == bytearray(99)
    with pytest.raises(BufferError):
        store.get_into("key", b"read-only" * 20)


def test_multi_get_into_has_an_answer_for_each_key(store):
    store.put("a", b"A" * 5000)
    store.put("b", b"B")
    outs = [bytearray(5000), bytearray(0), bytearray(1), bytearray(1)]
    answers = store.multi_get_into(["a", "a", "b", "missing"], outs)
    assert [answer.code for answer in answers] == [rawkv.OK, rawkv.INVALID_ARGUMENT, rawkv.OK, rawkv.NOT_FOUND]
    assert [answer.size for answer in answers[:3]] == [5000, 5000, 1]
    assert [answer.written_by for answer in answers[:3:2]] == [1, 2]
    assert outs == [bytearray(b"A" * 5000), bytearray(), bytearray(b"B"), bytearray(1)]
    assert isinstance(answers[3].error(), rawkv.NotFoundError) and answers[0].error() is None
    assert store.multi_get_into([], []) == []
    with pytest.raises(ValueError):
        store.multi_get_into(["a"], [])


def test_commit_is_atomic_and_reports_existing_keys(store):
    store.put("old", b"1")
    with rawkv.Batch() as batch:
        batch.put("new", b"2", if_absent=True)
        batch.put("old", b"3", if_absent=True)
        batch.put("borrowed", bytearray(b"4" * 5000), borrow=True)
        batch.delete("absent")
        assert len(batch) == 4
        result = store.commit(batch)
    assert result == rawkv.CommitResult(version=2, existed=(1,))
    assert store.multi_get(["old", "new", "borrowed"]) == [b"1", b"2", b"4" * 5000]
    with rawkv.Batch() as batch:
        batch.put("first", b"1")
        batch.put("", b"2")
        with pytest.raises(rawkv.InvalidArgumentError) as caught:
            store.commit(batch)
    assert caught.value.outcome == "not applied"
    assert "first" not in store
    assert store.put("old", b"5", if_absent=True) is False


def test_expected_version_must_be_the_next_one(store):
    with rawkv.Batch() as batch:
        batch.put("key", b"1")
        with pytest.raises(rawkv.FailedPreconditionError) as caught:
            store.commit(batch, expected_version=5)
        assert caught.value.outcome == "not applied"
        assert store.commit(batch, expected_version=1, durability="unsafe_unsynced").version == 1
        store.sync()
        assert store.durable_version == store.version == 1
        with pytest.raises(ValueError):
            store.commit(batch, durability="perhaps")


def test_packed_operations_do_what_single_ones_do(store):
    for key in (b"a", b"b", b"c", b"d"):
        store.put(key, b"old")
    packed = b"".join(rawkv.PACKED.pack(kind, 0, 0, len(key), len(value)) + key + value for kind, key, value in (
        (rawkv.PACKED_PUT, b"a", b"new"), (rawkv.PACKED_DELETE, b"b", b""), (rawkv.PACKED_DELETE_RANGE, b"c", b"d")))
    with rawkv.Batch() as batch:
        batch.append(packed)
        with pytest.raises(rawkv.InvalidArgumentError):
            batch.append(packed[:-1])
        assert len(batch) == 3
        store.commit(batch)
        batch.clear()
        assert len(batch) == 0
    assert list(store.items()) == [(b"a", b"new"), (b"d", b"old")]


def test_iterators_walk_both_ways_within_bounds(store):
    keys = [b"%03d" % number for number in range(20)]
    with rawkv.Batch() as batch:
        for key in keys:
            batch.put(key, key * 2000)
        store.commit(batch)
    assert list(store.keys()) == keys
    assert list(store.keys(reverse=True)) == keys[::-1]
    assert list(store.keys("005", "008")) == [b"005", b"006", b"007"]
    assert list(store.items("005", "007", reverse=True)) == [(b"006", b"006" * 2000), (b"005", b"005" * 2000)]
    with store.iterator(lower="010") as cursor:
        assert not cursor.valid
        with pytest.raises(IndexError):
            cursor.key
        cursor.seek("0105")
        assert cursor.key == b"011"
        cursor.prev()
        assert (cursor.key, cursor.value) == (b"010", b"010" * 2000)
        cursor.prev()
        assert not cursor.valid
        with pytest.raises(rawkv.FailedPreconditionError):
            cursor.value
        cursor.check()


def test_view_pin_snapshot_and_rollback(store):
    store.put("key", b"1")
    with store.view() as view:
        store.put("key", b"2")
        assert (view.version, view.get("key"), store.get("key")) == (1, b"1", b"2")
        assert list(view.items()) == [(b"key", b"1")] and "key" in view
    assert store.snapshot() == 2
    assert store.pin("name", 2) == 2
    store.put("key", b"3")
    with store.view(1) as view:
        assert view.get("key") == b"1"
    store.rollback(2)
    assert (store.version, store.get("key")) == (2, b"2")
    with pytest.raises(rawkv.FailedPreconditionError):
        store.rollback(1)
    store.rollback(1, drop_pins=True)
    assert store.get("key") == b"1"
    with pytest.raises(rawkv.VersionUnreachableError):
        store.view(77)
    store.pin("other")
    store.unpin("other")
    with pytest.raises(rawkv.FailedPreconditionError, match="no pin named other"):
        store.unpin("other")


def test_export_and_import(store, tmp_path):
    store.put("key", b"v" * 10_000)
    store.export(tmp_path / "export")
    rawkv.import_store(tmp_path / "export", tmp_path / "copy")
    with rawkv.open_store(tmp_path / "copy") as copy:
        assert (copy.version, copy.get("key")) == (1, b"v" * 10_000)


def test_stats_count(store):
    store.put("key", b"v" * 10_000)
    store.get_into("key", bytearray(10_000))
    stats = store.stats()
    assert stats["version"] == 1 and stats["commits"] == 1 and stats["gets"] == 1
    assert stats["device_bytes_written"] >= 10_000


def test_damage_is_an_error_and_never_wrong_bytes(directory):
    rawkv.format_store(directory, capacity="16MiB", inline_bytes=0)
    value = b"\xabDamage me\xcd" * 1000
    with rawkv.open_store(directory) as store:
        store.put("key", value)
    device = directory + "/device.img"
    with open(device, "r+b") as file:
        content = file.read()
        file.seek(content.index(value[:100]) + 50)
        file.write(b"\0")
    with rawkv.open_store(directory) as store:
        for read in (lambda: store.get("key"), lambda: store.multi_get(["key"]), lambda: list(store.items()),
                     lambda: store.get_into("key", bytearray(20_000))):
            with pytest.raises(rawkv.CorruptionError, match="checksum"):
                read()


def test_full_device_refuses_a_commit_as_a_whole(directory):
    rawkv.format_store(directory, capacity="16MiB", undo_versions=0)
    with rawkv.open_store(directory) as store:
        with rawkv.Batch() as batch:
            batch.put("small", b"1")
            batch.put("large", bytes(32 << 20))
            with pytest.raises(rawkv.NoSpaceError) as caught:
                store.commit(batch)
        assert caught.value.outcome == "not applied"
        assert "small" not in store


def test_closed_objects_raise(directory):
    rawkv.format_store(directory, capacity="16MiB")
    store = rawkv.open_store(directory)
    store.put("key", b"1")
    view, cursor, session = store.view(), store.iterator(), store.session()
    walk = store.items()
    next(walk)
    store.close()
    store.close()
    assert store.closed
    for call in (lambda: store.get("key"), lambda: store.version, lambda: view.get("key"), lambda: cursor.valid,
                 lambda: session.event_fd(), lambda: store.put("key", b"2"), lambda: next(walk)):
        with pytest.raises(rawkv.FailedPreconditionError, match="closed"):
            call()
    for opened in (view, cursor, session):
        opened.close()


def test_store_in_use_is_busy(directory):
    rawkv.format_store(directory, capacity="16MiB")
    with rawkv.open_store(directory) as store:
        store.put("key", b"1")
        with pytest.raises(rawkv.BusyError):
            rawkv.open_store(directory)
        with rawkv.open_store(directory, read_only=True) as reader:
            assert reader.get("key") == b"1"
            with pytest.raises(rawkv.FailedPreconditionError):
                reader.put("key", b"2")


def test_options_are_checked(directory):
    with pytest.raises(rawkv.InvalidArgumentError, match="there is no option"):
        rawkv.format_store(directory, capacityy=1)
    with pytest.raises(ValueError, match="white space"):
        rawkv.format_store(directory, device="a b")
    with pytest.raises(ValueError, match="zero byte"):
        rawkv.open_store("a\0b")
    with pytest.raises(rawkv.NotFoundError):
        rawkv.open_store(directory)


def test_handle_is_closed_once_and_without_a_call_under_way():
    handle = Handle(1, "thing")
    calls = []

    def close():
        handle.close(lambda pointer: calls.append((pointer, handle._users)) or True)

    assert handle.enter() == 1
    closers = [threading.Thread(target=close) for _ in range(2)]
    for closer in closers:
        closer.start()
    with pytest.raises(rawkv.FailedPreconditionError, match="the thing is closed"):
        while True:  # until a closer has begun
            handle.enter()
            handle.leave()
    handle.leave()
    for closer in closers:
        closer.join()
    assert calls == [(1, 0)] and handle.closed


def test_close_waits_for_calls_of_other_threads(directory):
    rawkv.format_store(directory, capacity="64MiB")
    store = rawkv.open_store(directory)
    store.put("key", b"v" * 100_000)
    began = threading.Barrier(5)
    ends = []

    def read():
        began.wait()
        while True:
            try:
                assert store.get("key") == b"v" * 100_000
            except rawkv.FailedPreconditionError as error:
                ends.append(error.message)
                return

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    began.wait()
    store.close()
    for thread in threads:
        thread.join()
    assert ends == ["the store is closed"] * 4
