"""RawkvConnector against the contract of LMCache's native_plugin."""

import fcntl
import gc
import os
import pathlib
import random
import select
import signal
import subprocess
import sys
import threading
import weakref

import pytest
import rawkv
from lmcache_host import Arena, Host, content_of
from rawkv_lmcache import RawkvConnector

KEY = "meta-llama/Llama-3.1-8B@0000002a@0@{:016x}@salt"


@pytest.fixture
def host(directory):
    made = Host(RawkvConnector(directory, capacity="64MiB"))
    yield made
    made.close()


def sizes_of(count, most, seed=1):
    """Lengths that are not aligned."""
    generator = random.Random(seed)
    return {KEY.format(number): generator.randrange(1, most) | 1 for number in range(count)}


def test_store_and_load_unaligned_lengths(host):
    arena = Arena(16, 300_000)
    sizes = sizes_of(16, 300_000)
    values = {key: content_of(key, size) for key, size in sizes.items()}
    assert host.set_values(arena, values) == (True, "", [True] * 16)
    assert host.get_values(arena, sizes) == (True, "", values)


def test_miss_is_false_and_leaves_its_buffer_untouched(host):
    arena = Arena(3, 10_000)
    host.set_values(arena, {"there": b"x" * 10_000})
    _, missing = arena.take(9_999)
    _, there = arena.take(10_000)
    missing[:] = b"\xa5" * 9_999
    assert host.do("get", ["missing", "there"], [missing, there]) == (True, "", [False, True])
    assert missing == b"\xa5" * 9_999 and there == b"x" * 10_000


def test_key_that_exists_keeps_its_value(host):
    arena = Arena(4, 5_000)
    assert host.set_values(arena, {"a": b"1" * 5_000})[0]
    version = host.connector._store.version
    assert host.set_values(arena, {"a": b"2" * 5_000, "b": b"3" * 5_000}) == (True, "", [True, True])
    assert host.connector._store.version == version + 1, "one commit a batch"
    assert host.get_values(arena, {"a": 5_000, "b": 5_000})[2] == {"a": b"1" * 5_000, "b": b"3" * 5_000}
    _, one = arena.take(100)
    _, two = arena.take(100)
    one[:], two[:] = b"1" * 100, b"2" * 100
    assert host.do("set", ["twice", "twice"], [one, two]) == (True, "", [True, True])
    assert host.get_values(arena, {"twice": 100})[2] == {"twice": b"1" * 100}


def test_exists_and_delete_have_a_verdict_for_each_key(host):
    arena = Arena(2, 5_000)
    host.set_values(arena, {"a": b"1" * 5_000, "b": b"2" * 5_000})
    assert host.do("exists", ["a", "missing", "b"]) == (True, "", [True, False, True])
    assert host.do("delete", ["missing", "a"]) == (True, "", [False, True])
    assert host.do("exists", ["a", "b"]) == (True, "", [False, True])
    assert host.do("delete", ["a"]) == (True, "", [False])


@pytest.mark.parametrize("operations_max", [2, 3, 4096])
def test_batches_of_one_host_keep_their_order(directory, operations_max):
    """Also if they wait for room in the session."""
    host = Host(RawkvConnector(directory, capacity="16MiB", operations_max=operations_max))
    arena = Arena(1, 100)
    _, view = arena.take(100)
    view[:] = b"v" * 100
    waiters = []
    for _ in range(50):
        waiters += [host.submit("set", ["key"], [view]), host.submit("exists", ["key"]),
                    host.submit("delete", ["key"]), host.submit("exists", ["key"])]
    results = [waiter.wait() for waiter in waiters]
    assert results == [(True, "", [True]), (True, "", [True]), (True, "", [True]), (True, "", [False])] * 50
    host.close()


def test_wrong_arguments_are_results(host):
    buffer = memoryview(bytearray(8))
    cases = (
        ("get", (["a"], [memoryview(b"read-only")]), "not writable"),
        ("get", (["a"], [buffer[::2]]), "contiguous"),
        ("get", (["a", "b"], [buffer]), "2 keys need as many buffers, not 1"),
        ("set", (["a"], []), "1 keys need as many buffers, not 0"),
        ("set", ([""], [buffer]), "a key is empty"),
        ("set", (["a", "k" * 70_000], [buffer, buffer]), "65536"),
        ("get", (["k" * 70_000], [buffer]), "65536 bytes, not 70000"),
        ("exists", ([""],), "invalid argument"),
        ("delete", ([""],), "a key is empty"),
    )
    for call, arguments, text in cases:
        ok, error, verdicts = host.do(call, *arguments)
        assert not ok and text in error, (call, error)
        assert verdicts == [False] * len(arguments[0])
    for call, arguments in (("get", ([], [])), ("set", ([], [])), ("exists", ([],)), ("delete", ([],))):
        assert host.do(call, *arguments) == (True, "", [])
    assert host.do("exists", ["a"]) == (True, "", [False]), "nothing of a wrong batch was stored"


def test_value_of_another_length_is_an_error_of_its_key(host):
    arena = Arena(4, 6_000)
    host.set_values(arena, {"a": b"1" * 5_000, "b": b"2" * 5_000})
    for size in (4_999, 5_001):
        ok, error, values = host.get_values(arena, {"a": size, "b": 5_000})
        assert not ok and error.startswith("a: ") and "5000" in error and str(size) in error
        assert values == {"a": None, "b": b"2" * 5_000}


def test_damaged_value_is_an_error_and_the_others_are_loaded(directory):
    values = {"a": b"\xab-marked-" * 2000, "b": b"fine" * 2000}
    arena = Arena(2, 20_000)
    host = Host(RawkvConnector(directory, capacity="16MiB"))
    host.set_values(arena, values)
    host.close()
    with open(os.path.join(directory, "device.img"), "r+b") as file:
        file.seek(file.read().index(values["a"][:64]) + 7)
        file.write(b"\0")
    host = Host(RawkvConnector(directory))
    ok, error, loaded = host.get_values(arena, {key: len(value) for key, value in values.items()})
    host.close()
    assert not ok and "checksum" in error
    assert loaded == {"a": None, "b": values["b"]}


def test_full_device_fails_the_batch_with_a_text_and_keeps_nothing_of_it(directory):
    host = Host(RawkvConnector(directory, capacity="16MiB"))
    arena = Arena(8, 4 << 20)
    stored, refused = {}, None
    for number in range(20):
        keys = {f"{number}-{part}": content_of(f"{number}-{part}", (2 << 20) - 1) for part in range(2)}
        ok, error, verdicts = host.set_values(arena, keys)
        if not ok:
            refused = keys
            break
        stored.update(keys)
    assert refused is not None and "no space" in error and verdicts == [False, False]
    assert len(stored) >= 4
    assert host.do("exists", list(refused)) == (True, "", [False, False])
    for key, value in stored.items():
        assert host.get_values(arena, {key: len(value)}) == (True, "", {key: value})
    victims = list(stored)[:4]
    assert host.do("delete", victims) == (True, "", [True] * 4)
    assert host.set_values(arena, refused) == (True, "", [True, True]), "the room of deleted values is used again"
    host.close()


def test_bounds_of_the_session_queue_and_do_not_fail(directory):
    connector = RawkvConnector(directory, capacity="64MiB", operations_max=2, bytes_in_flight_max="64KiB")
    host = Host(connector)
    arena = Arena(8, 50_000)
    values = {f"key-{number}": content_of(number, 49_999) for number in range(8)}
    host.set_values(arena, values)
    pieces = {key: arena.take(49_999) for key in values}
    waiters = []
    for _ in range(20):
        for key, (_, view) in pieces.items():
            waiters.append(host.submit("get", [key], [view]))
            waiters.append(host.submit("delete", ["missing"]))
            assert connector.report_status()["under_way"] <= 2
    assert [waiter.wait() for waiter in waiters] == [(True, "", [True]), (True, "", [False])] * 160
    assert {key: bytes(view) for key, (_, view) in pieces.items()} == values
    host.close()


def test_submit_does_not_wait_while_the_session_is_full(directory):
    """Nobody drains, and the session takes two operations. Submit calls return nevertheless."""
    connector = RawkvConnector(directory, capacity="16MiB", operations_max=2)
    futures = [connector.submit_batch_exists(["key"]) for _ in range(1000)]
    connector.close()
    assert [future for future, *_ in connector.drain_completions()] == futures


def test_event_descriptor_is_an_eventfd_that_is_readable_while_completions_wait(directory):
    connector = RawkvConnector(directory, capacity="16MiB")
    descriptor = connector.event_fd()
    assert os.readlink(f"/proc/self/fd/{descriptor}") == "anon_inode:[eventfd]"
    assert fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_NONBLOCK
    assert fcntl.fcntl(descriptor, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    assert poller.poll(0) == []
    for _ in range(3):
        future = connector.submit_batch_exists(["a"])
        assert poller.poll(30_000) != []
        assert connector.drain_completions() == [(future, True, "", [False])]
        assert poller.poll(0) == [] and connector.drain_completions() == []
    # A host that reads the descriptor itself changes nothing.
    future = connector.submit_batch_exists(["a"])
    assert poller.poll(30_000) != []
    os.eventfd_read(descriptor)
    assert connector.drain_completions() == [(future, True, "", [False])]
    connector.close()


def test_nothing_touches_a_buffer_after_its_drain(host):
    """Each buffer gets a pattern as soon as its future is drained, while many other batches are under way."""
    arena = Arena(64, 70_000)
    values = {f"key-{number}": content_of(number, 69_999) for number in range(16)}
    for key, value in values.items():
        host.set_values(arena, {key: value})
    pattern = b"\x5a" * 69_999
    drained = []
    for round_number in range(12):
        batch = []
        for number in range(len(arena.free)):
            piece, view = arena.take(69_999)
            key = f"key-{number % 16}"
            if number % 2:
                batch.append((host.submit("get", [key], [view]), piece, view, key))
            else:
                view[:] = values[key]
                batch.append((host.submit("set", [f"{key}-{round_number}"], [view]), piece, view, None))
        for waiter, piece, view, key in batch:
            assert waiter.wait() == (True, "", [True])
            if key is not None:
                assert view == values[key]
            view[:] = pattern
            drained.append(view)
            assert all(one == pattern for one in drained[-4:])
        assert all(view == pattern for view in drained)
        for _, piece, _, _ in batch:
            arena.give_back(piece)
        drained.clear()
        for number in range(16):  # the stored values are those of the set, not the pattern
            if number % 2 == 0:
                key = f"key-{number}"
                assert host.get_values(arena, {f"{key}-{round_number}": 69_999})[2] == {
                    f"{key}-{round_number}": values[key]}
                host.do("delete", [f"{key}-{round_number}"])


def test_connector_gives_up_memory_once_it_is_drained(host):
    class Memory(bytearray):
        pass

    for call in ("set", "get"):
        memory = Memory(5_000)
        gone = weakref.ref(memory)
        waiter = host.submit(call, ["key"], [memoryview(memory)])
        assert waiter.wait()[0]
        memory.append(1)  # BufferError, if anything still refers to the memory
        del memory
        host.do("exists", ["key"])  # the thread of the connector has finished with the batch before
        assert gone() is None


def test_many_threads_share_the_connector(host):
    arena = Arena(64, 40_000)
    failures = []

    def work(name):
        generator = random.Random(name)
        stored = {}
        try:
            for step in range(40):
                kind = generator.choice(("set", "set", "get", "exists", "delete", "miss"))
                key = f"{name}-{step}"
                if kind == "set" or not stored:
                    value = content_of(key, generator.randrange(1, 40_000))
                    assert host.set_values(arena, {key: value}) == (True, "", [True])
                    stored[key] = value
                elif kind == "get":
                    chosen = generator.sample(sorted(stored), min(3, len(stored)))
                    wanted = {one: stored[one] for one in chosen}
                    assert host.get_values(arena, {one: len(stored[one]) for one in chosen}) == (True, "", wanted)
                elif kind == "exists":
                    assert host.do("exists", [*stored, "missing"]) == (True, "", [True] * len(stored) + [False])
                elif kind == "delete":
                    chosen = generator.choice(sorted(stored))
                    assert host.do("delete", [chosen]) == (True, "", [True])
                    del stored[chosen]
                else:
                    assert host.get_values(arena, {"missing": 77}) == (True, "", {"missing": None})
        except BaseException as error:  # noqa: BLE001: shown below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_close_under_load_completes_every_accepted_batch(directory):
    for round_number in range(5):
        host = Host(RawkvConnector(directory, capacity="64MiB", operations_max=8))
        arena = Arena(4, 20_000)
        views = [arena.take(19_999)[1] for _ in range(4)]
        accepted = [[] for _ in views]
        refused = []
        under_load = threading.Barrier(len(views) + 1)

        def load(number):
            for step in range(100_000):
                if step == 10:
                    under_load.wait()
                try:
                    accepted[number].append(host.submit(
                        "set", [f"{round_number}-{number}-{step % 50}"], [views[number]]))
                    accepted[number].append(host.submit("delete", [f"{round_number}-{number}-{step % 50}"]))
                except RuntimeError as error:
                    refused.append(str(error))
                    return

        threads = [threading.Thread(target=load, args=(number,)) for number in range(len(views))]
        for thread in threads:
            thread.start()
        under_load.wait()
        closers = [threading.Thread(target=host.connector.close) for _ in range(2)]
        for closer in closers:
            closer.start()
        for thread in threads + closers:
            thread.join()
        host.close()
        assert refused == ["the connector is closed"] * len(views)
        for waiters in accepted:
            assert all(waiter.wait() == (True, "", [True]) for waiter in waiters)


def test_restart_finds_everything(directory):
    arena = Arena(16, 200_000)
    sizes = sizes_of(40, 200_000, seed=2)
    values = {key: content_of(key, size) for key, size in sizes.items()}
    host = Host(RawkvConnector(directory, capacity="64MiB"))
    for key, value in values.items():
        assert host.set_values(arena, {key: value})[0]
    host.do("delete", list(values)[:10])
    host.close()
    host = Host(RawkvConnector(directory, format_if_missing=False))
    for number, (key, size) in enumerate(sizes.items()):
        expected = None if number < 10 else values[key]
        assert host.get_values(arena, {key: size}) == (True, "", {key: expected})
    assert list(host.connector.list_keys()) == sorted(list(values)[10:])
    assert list(host.connector.list_keys("meta-llama")) == sorted(list(values)[10:])
    assert list(host.connector.list_keys("other")) == []
    host.close()


def test_killed_process_keeps_each_acknowledged_batch(directory):
    """A process stores batches of three values, and prints each batch once it is acknowledged, until it is killed."""
    program = pathlib.Path(__file__).with_name("killed_host.py")
    stored = 0
    for round_number in range(3):
        process = subprocess.Popen([sys.executable, "-B", program, directory, str(round_number)],
                                   stdout=subprocess.PIPE, text=True)
        lines = [process.stdout.readline() for _ in range(15 + 10 * round_number)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines(keepends=True)
        assert process.wait() == -signal.SIGKILL
        acknowledged = [line.split() for line in lines if line.endswith("\n")]
        assert len(acknowledged) >= 15
        host = Host(RawkvConnector(directory, format_if_missing=False))
        arena = Arena(3, 100_000)
        for keys in acknowledged:
            sizes = {key: int(key.rsplit("-", 1)[1]) for key in keys}
            assert host.get_values(arena, sizes) == (
                True, "", {key: content_of(key, size) for key, size in sizes.items()})
            stored += 1
        # A batch that was not acknowledged is there as a whole or not at all.
        found = list(host.connector.list_keys(f"{round_number}-"))
        batches = {}
        for key in found:
            batches.setdefault(key.split("-")[1], []).append(key)
        assert all(len(keys) == 3 for keys in batches.values())
        for key in found:
            size = int(key.rsplit("-", 1)[1])
            assert host.get_values(arena, {key: size})[2] == {key: content_of(key, size)}
        host.close()
    assert stored >= 45


def test_missing_store_is_made_only_if_wanted(directory):
    with pytest.raises(rawkv.NotFoundError):
        RawkvConnector(directory, format_if_missing=False)
    assert not os.path.exists(directory)
    RawkvConnector(directory, capacity="16MiB").close()
    RawkvConnector(directory, format_if_missing=False).close()


def test_foreign_data_is_never_formatted(tmp_path):
    device = tmp_path / "device"
    for name, content in {"at the beginning": b"foreign" + bytes(16 << 20), "at the end": bytes(16 << 20) + b"foreign"
                          }.items():
        device.write_bytes(content)
        with pytest.raises(rawkv.FailedPreconditionError, match="holds data that is not of this store"):
            RawkvConnector(str(tmp_path / "store"), device=str(device))
        assert device.read_bytes() == content, name
        assert not (tmp_path / "store").exists()
    device.write_bytes(bytes(16 << 20))
    subprocess.run(["mkfs.ext4", "-q", device], check=True)
    content = device.read_bytes()
    with pytest.raises(rawkv.FailedPreconditionError):
        RawkvConnector(str(tmp_path / "store"), device=str(device))
    assert device.read_bytes() == content
    device.write_bytes(bytes(16 << 20))
    RawkvConnector(str(tmp_path / "store"), device=str(device)).close()
    content = device.read_bytes()
    with pytest.raises(rawkv.FailedPreconditionError):  # the device of another store
        RawkvConnector(str(tmp_path / "other"), device=str(device))
    assert device.read_bytes() == content


def test_wrong_parameters_are_errors_of_the_constructor(directory):
    with pytest.raises(TypeError):
        RawkvConnector(directory, capacityy="1GiB")
    with pytest.raises(ValueError, match="operations_max"):
        RawkvConnector(directory, capacity="16MiB", operations_max=1)
    with pytest.raises(rawkv.InvalidArgumentError):
        RawkvConnector(directory, engine="fast")
    with pytest.raises(ValueError, match="directory"):
        RawkvConnector("")
    gc.collect()
    RawkvConnector(directory).close()  # nothing holds the store


def test_after_close_a_submit_raises_and_close_is_idempotent(directory):
    connector = RawkvConnector(directory, capacity="16MiB")
    assert connector.report_status()["is_healthy"]
    connector.close()
    connector.close()
    for call in (lambda: connector.submit_batch_exists(["a"]), lambda: connector.submit_batch_set([], [])):
        with pytest.raises(RuntimeError, match="closed"):
            call()
    assert connector.drain_completions() == []
    assert not connector.report_status()["is_healthy"]
