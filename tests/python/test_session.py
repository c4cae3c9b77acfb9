"""Sessions: operations that no thread waits for."""

import gc
import mmap
import select
import threading

import pytest
import rawkv


def drain_all(session, count):
    done = []
    while len(done) < count:
        assert session.wait(30)
        done += session.drain()
    return {one.id: one for one in done}


def test_operations_complete_once_and_see_earlier_ones(store):
    with store.session() as session:
        batch = rawkv.Batch()
        batch.put("a", b"1" * 5000, if_absent=True, borrow=True)
        commit = session.submit_commit(batch)
        assert len(batch) == 0
        out = bytearray(5000)
        get = session.submit_get(["a", "missing"], [out, bytearray(1)])
        exists = session.submit_exists(["missing", "a"])
        batch.put("a", b"2", if_absent=True)
        again = session.submit_commit(batch)
        sync = session.submit_sync()
        assert session.under_way == 5
        done = drain_all(session, 5)
        assert session.under_way == 0 and session.drain() == [] and not session.wait(0)
    assert (done[commit].outcome, done[commit].version, done[commit].existed) == ("applied", 1, ())
    assert out == b"1" * 5000
    assert [answer.code for answer in done[get].answers] == [rawkv.OK, rawkv.NOT_FOUND]
    assert [answer.ok for answer in done[exists].answers] == [False, True]
    assert done[again].existed == (0,)
    assert done[sync].op == rawkv.OP_SYNC and done[sync].ok


def test_errors_of_operations_are_in_their_completions(store):
    with store.session() as session:
        batch = rawkv.Batch()
        batch.put("", b"value")
        session.submit_commit(batch)
        failed = drain_all(session, 1)
        (completion,) = failed.values()
        error = completion.error()
        assert isinstance(error, rawkv.InvalidArgumentError) and error.outcome == "not applied"
        assert "a key is empty" in error.message
        with pytest.raises(rawkv.InvalidArgumentError):
            session.submit_get([], [])


def test_descriptor_is_readable_exactly_while_completions_wait(store):
    store.put("a", b"1")
    with store.session() as session:
        poller = select.poll()
        poller.register(session.event_fd(), select.POLLIN)
        assert poller.poll(0) == []
        session.submit_exists(["a"])
        session.submit_exists(["a"])
        assert poller.poll(30_000) != []
        taken = 0
        while taken < 2:
            assert poller.poll(30_000) != []
            taken += len(session.drain(1))
        assert poller.poll(0) == []


def test_bound_of_operations_is_busy_until_drained(store):
    with store.session(operations_max=2) as session:
        session.submit_exists(["a"])
        session.submit_exists(["a"])
        with pytest.raises(rawkv.BusyError):
            session.submit_exists(["a"])
        drain_all(session, 2)
        session.submit_exists(["a"])
        drain_all(session, 1)


def test_memory_lives_until_its_completion_is_drained(store):
    value = bytes(range(256)) * 400
    store.put("a", value)
    with store.session() as session:
        out = bytearray(len(value))
        session.submit_get(["a"], [out])
        with pytest.raises(BufferError):
            out.append(1)  # would move the memory
        view = memoryview(out)
        del out
        gc.collect()
        drain_all(session, 1)
        assert view == value
        batch = rawkv.Batch()
        source = bytearray(value)
        batch.put("b", source, borrow=True)
        session.submit_commit(batch)
        del source
        batch.close()
        gc.collect()
        drain_all(session, 1)
        assert store.get("b") == value


def test_reads_into_registered_memory(store):
    store.put("k", b"v" * 300_000)
    arena = mmap.mmap(-1, 1 << 20)
    with store.session() as session:
        with pytest.raises(rawkv.InvalidArgumentError):
            session.register_memory(bytearray())
        try:
            session.register_memory(arena)
        except rawkv.NotSupportedError as error:  # reads work without it
            assert "io_uring" in str(error) or "engine" in str(error)
        session.submit_get(["k"], [memoryview(arena)[4096:4096 + 300_000]])
        assert drain_all(session, 1)
    assert arena[4096:304_096] == b"v" * 300_000
    assert arena[:4096] == bytes(4096)


def test_threads_share_a_session(store):
    with store.session() as session:
        ids, completed = [], []
        lock = threading.Lock()

        def submit(name):
            for number in range(100):
                batch = rawkv.Batch()
                batch.put(f"{name}-{number}", b"v" * 2000)
                made = session.submit_commit(batch)
                with lock:
                    ids.append(made)

        threads = [threading.Thread(target=submit, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        while len(completed) < 400:
            session.wait(30)
            completed += session.drain()
        for thread in threads:
            thread.join()
    assert sorted(one.id for one in completed) == sorted(ids)
    assert all(one.ok for one in completed)
    assert len(list(store.keys())) == 400


def test_close_completes_what_was_accepted(directory):
    rawkv.format_store(directory, capacity="64MiB")
    with rawkv.open_store(directory) as store:
        session = store.session()
        for number in range(50):
            batch = rawkv.Batch()
            batch.put(f"key-{number}", b"v" * 3000)
            session.submit_commit(batch)
        session.close()
        session.close()
        assert len(list(store.keys())) == 50
