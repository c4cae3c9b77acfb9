"""RawkvL2Adapter against the contract of LMCache's plugin."""

import os
import pathlib
import select
import subprocess
import sys
import threading

import pytest
from lmcache_host import Arena, content_of
from rawkv_lmcache import RawkvConnector, RawkvL2Adapter, RawkvL2AdapterConfig
from rawkv_lmcache.host_types import OwnKey, encoded_key, key_text


class Object:
    """A MemoryObj of LMCache as far as an adapter uses it."""

    def __init__(self, view):
        self.byte_array = view


class Listener:
    def __init__(self):
        self.events = []

    def on_l2_keys_stored(self, keys, sizes):
        self.events.append(("stored", list(keys), list(sizes)))

    def on_l2_keys_accessed(self, keys):
        self.events.append(("accessed", list(keys)))

    def on_l2_keys_deleted(self, keys):
        self.events.append(("deleted", list(keys)))


class Controller:
    """The host: it polls three descriptors, and asks for a result once one is readable."""

    def __init__(self, adapter):
        self.adapter = adapter
        self.arena = Arena(8, 50_000)
        self.listener = Listener()
        adapter.register_listener(self.listener)

    def wait(self, descriptor):
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        assert poller.poll(60_000) != []
        os.eventfd_read(descriptor)

    def store(self, values):
        objects = []
        for value in values.values():
            _, view = self.arena.take(len(value))
            view[:] = value
            objects.append(Object(view))
        task = self.adapter.submit_store_task(list(values), objects)
        self.wait(self.adapter.get_store_event_fd())
        self.arena = Arena(8, 50_000)
        return self.adapter.pop_completed_store_tasks()[task]

    def look_up(self, keys):
        task = self.adapter.submit_lookup_and_lock_task(keys, {0: "layout"})
        self.wait(self.adapter.get_lookup_and_lock_event_fd())
        bitmap = self.adapter.query_lookup_and_lock_result(task)
        assert self.adapter.query_lookup_and_lock_result(task) is None, "a result is readable once"
        return [bitmap.test(i) for i in range(len(keys))]

    def load(self, sizes):
        views = [self.arena.take(size)[1] for size in sizes.values()]
        task = self.adapter.submit_load_task(list(sizes), [Object(view) for view in views])
        self.wait(self.adapter.get_load_event_fd())
        bitmap = self.adapter.query_load_result(task)
        assert self.adapter.query_load_result(task) is None, "a result is readable once"
        return {key: bytes(view) if bitmap.test(i) else None for i, (key, view) in enumerate(zip(sizes, views))}


def key(number, salt="", model="model"):
    return OwnKey(chunk_hash=bytes([number]) * 8, model_name=model, kv_rank=3, object_group_id=1, cache_salt=salt)


@pytest.fixture
def controller(directory):
    adapter = RawkvL2Adapter(RawkvL2AdapterConfig(directory, max_capacity_gb=1, capacity="64MiB"), None, extra=1)
    yield Controller(adapter)
    adapter.close()
    adapter.close()


def test_store_look_up_and_load(controller):
    adapter = controller.adapter
    assert len({adapter.get_store_event_fd(), adapter.get_lookup_and_lock_event_fd(), adapter.get_load_event_fd()}) == 3
    values = {key(number): content_of(number, 40_001 + number) for number in range(4)}
    result = controller.store(values)
    assert (result.success, result.bytes) == (True, sum(map(len, values.values())))
    assert controller.store({key(0): b"other"}).bytes == 0, "a key that exists counts no new bytes"
    assert controller.look_up([key(0), key(9), key(3)]) == [True, False, True]
    assert controller.load({key(0): 40_001, key(9): 100, key(3): 40_004}) == {
        key(0): values[key(0)], key(9): None, key(3): values[key(3)]}
    assert [event[0] for event in controller.listener.events] == ["stored", "stored", "accessed"]
    assert controller.listener.events[2] == ("accessed", [key(0), key(3)])


def test_locked_key_is_not_deleted_until_it_is_unlocked_as_often(controller):
    controller.store({key(1): b"x" * 5_000, key(2): b"y" * 5_000})
    assert controller.look_up([key(1), key(7)]) == [True, False]
    assert controller.look_up([key(1)]) == [True]
    controller.adapter.delete([key(1), key(2)])
    assert controller.look_up([key(2)]) == [False]
    controller.adapter.submit_unlock([key(1), key(7)])
    controller.adapter.delete([key(1)])
    assert controller.load({key(1): 5_000}) == {key(1): b"x" * 5_000}
    controller.adapter.submit_unlock([key(1)])
    controller.adapter.delete([key(1), key(7)])
    assert controller.look_up([key(1)]) == [False]
    assert controller.adapter.report_status()["locked_keys"] == 0
    assert [event for event in controller.listener.events if event[0] == "deleted"] == [
        ("deleted", [key(2)]), ("deleted", [key(1)])]
    assert controller.adapter.get_usage().total_bytes_used == 0


def test_look_up_under_way_locks_against_a_later_delete(controller):
    """The delete is submitted before the result of the look-up was read."""
    controller.store({key(1): b"x" * 5_000})
    for _ in range(50):
        task = controller.adapter.submit_lookup_and_lock_task([key(1)])
        controller.adapter.delete([key(1)])
        controller.wait(controller.adapter.get_lookup_and_lock_event_fd())
        assert controller.adapter.query_lookup_and_lock_result(task).test(0)
        assert controller.load({key(1): 5_000}) == {key(1): b"x" * 5_000}
        controller.arena = Arena(8, 50_000)
        controller.adapter.submit_unlock([key(1)])


def test_usage_survives_a_restart(directory):
    parameters = {"adapter_params": {"directory": directory, "max_capacity_gb": 2, "capacity": "64MiB"}}
    adapter = RawkvL2Adapter(RawkvL2AdapterConfig.from_dict(parameters))
    controller = Controller(adapter)
    controller.store({key(1): b"x" * 5_001, key(2, "salt"): b"y" * 700, key(3, "salt"): b""})
    controller.adapter.delete([key(9)])

    def usage(of):
        found = of.get_usage()
        return found.total_bytes_used, found.total_capacity_bytes, dict(found.bytes_by_cache_salt)

    expected = (5_701, 2 << 30, {"": 5_001, "salt": 700})
    assert usage(adapter) == expected
    adapter.close()
    adapter = RawkvL2Adapter(parameters)
    assert usage(adapter) == expected
    adapter.delete([key(1)])
    assert usage(adapter) == (700, 2 << 30, {"salt": 700})
    adapter.close()


def test_failed_store_is_a_failed_result_and_nothing_of_it_is_found(directory):
    adapter = RawkvL2Adapter({"directory": directory, "capacity": "16MiB"})
    controller = Controller(adapter)
    large = memoryview(bytearray(20 << 20))
    task = adapter.submit_store_task([key(1), key(2)], [Object(large[:100]), Object(large)])
    controller.wait(adapter.get_store_event_fd())
    result = adapter.pop_completed_store_tasks()[task]
    assert (result.success, result.bytes) == (False, 0)
    assert adapter.pop_completed_store_tasks() == {}
    assert controller.look_up([key(1), key(2)]) == [False, False]
    status = adapter.report_status()
    assert status["is_healthy"] and "no space" in status["last_error"]
    assert controller.listener.events == [] and adapter.get_usage().total_bytes_used == 0
    adapter.close()
    assert not adapter.report_status()["is_healthy"]


def test_keys_are_listed_page_by_page(controller):
    for number in range(7):
        controller.store({key(number, model="a" if number % 2 else "b"): bytes(number + 1)})
    found, cursor = [], None
    while True:
        page = controller.adapter.list_l2_keys("a", page_size=2, cursor=cursor)
        found += [(entry.key.chunk_hash_hex[:2], entry.key.model_name, entry.size_bytes) for entry in page.entries]
        cursor = page.next_page_token
        if cursor is None:
            break
        assert len(page.entries) == 2
    assert found == [("01", "a", 2), ("03", "a", 4), ("05", "a", 6)]
    assert len(controller.adapter.list_l2_keys().entries) == 7
    for wrong in ({"page_size": 0}, {"cursor": "not hex"}):
        with pytest.raises(ValueError):
            controller.adapter.list_l2_keys(**wrong)


def test_keys_are_those_of_the_native_plugin(directory):
    text = key_text(key(1, "salt"))
    assert text == "model@00000003@1@0101010101010101@salt"
    assert encoded_key(text).chunk_hash_hex == "01" * 8 and encoded_key("a@b") is None
    adapter = RawkvL2Adapter({"directory": directory, "capacity": "16MiB"})
    Controller(adapter).store({key(1, "salt"): b"x" * 100})
    adapter.close()
    connector = RawkvConnector(directory)
    assert list(connector.list_keys()) == [text]
    connector.close()


def test_failing_listener_stops_nothing(controller):
    class Failing(Listener):
        def on_l2_keys_stored(self, keys, sizes):
            raise RuntimeError("of the listener")

    controller.adapter.register_listener(Failing())
    assert controller.store({key(1): b"x"}).success
    assert controller.look_up([key(1)]) == [True]


def test_close_ends_tasks_of_other_threads(directory):
    adapter = RawkvL2Adapter({"directory": directory, "capacity": "64MiB"})
    began = threading.Barrier(4)
    ends = []

    def work(number):
        for step in range(100_000):
            if step == 5:
                began.wait()
            try:
                adapter.submit_store_task([key(number)], [Object(memoryview(b"x" * 3_000))])
                adapter.delete([key(number)])
            except RuntimeError as error:
                ends.append(str(error))
                return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    began.wait()
    adapter.close()
    for thread in threads:
        thread.join(60)
    assert ends == ["the connector is closed"] * 3


def test_adapter_derives_from_the_class_of_lmcache(tmp_path, directory):
    """A package of LMCache's name and layout, which a process of its own imports."""
    folder = tmp_path / "lmcache/v1/distributed/l2_adapters"
    folder.mkdir(parents=True)
    for package in ("lmcache", "lmcache/v1", "lmcache/v1/distributed", "lmcache/v1/distributed/l2_adapters"):
        (tmp_path / package / "__init__.py").write_text("")
    (folder / "base.py").write_text("class L2AdapterInterface:\n    def __init__(self):\n        self._listeners = []\n")
    (tmp_path / "lmcache/v1/distributed/internal_api.py").write_text(
        "class L2StoreResult:\n    def __init__(self, success, bytes_transferred):\n        self.ok = success\n")
    code = ("import sys; from lmcache.v1.distributed.l2_adapters.base import L2AdapterInterface as Base;"
            "from lmcache.v1.distributed.internal_api import L2StoreResult;"
            "from rawkv_lmcache import RawkvL2Adapter; from rawkv_lmcache import host_types;"
            "assert issubclass(RawkvL2Adapter, Base) and host_types.StoreResult is L2StoreResult;"
            "adapter = RawkvL2Adapter({'directory': sys.argv[1], 'capacity': '16MiB'}); adapter.close(); print('ok')")
    path = os.pathsep.join([str(tmp_path), str(pathlib.Path(os.environ["PYTHONPATH"].split(os.pathsep)[0]))])
    answer = subprocess.run([sys.executable, "-B", "-c", code, directory], env={**os.environ, "PYTHONPATH": path},
                            capture_output=True, text=True, check=False)
    assert (answer.stdout, answer.stderr) == ("ok\n", "")
