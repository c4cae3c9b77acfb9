"""The page docs/python.md: its Python runs as it stands, and its JSON fits the classes."""

import contextlib
import importlib
import inspect
import io
import json
import re

from conftest import ROOT
from rawkv_lmcache import RawkvConnector, RawkvL2AdapterConfig
from rawkv_lmcache.store import open_cache_store

PAGE = (ROOT / "docs/python.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_python_of_the_page_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = io.StringIO()
    names = {}
    with contextlib.redirect_stdout(output):
        for block in blocks("python"):
            exec(compile(block, "docs/python.md", "exec"), names)  # noqa: S102: our own page
    assert output.getvalue().splitlines() == [
        "b'hello'", "2 (1,)", "1000000", "b'greeting' b'hello'", "b'hello' None", "b'hello'", "True [True, False]"]


def test_json_of_the_page_names_classes_and_parameters_that_exist():
    known = set(inspect.signature(open_cache_store).parameters) | set(inspect.signature(RawkvConnector).parameters)
    kinds = []
    for block in blocks("json"):
        config = json.loads(block)
        made = getattr(importlib.import_module(config["module_path"]), config["class_name"])
        parameters = config.get("adapter_params", {name: config[name] for name in ("directory", "device")
                                                   if name in config})
        assert set(parameters) <= known | {"max_capacity_gb"}
        kinds.append(made.__name__)
        if "config_class_name" in config:
            assert config["config_class_name"] == RawkvL2AdapterConfig.__name__
            assert RawkvL2AdapterConfig.from_dict(config).directory == parameters["directory"]
    assert kinds == ["RawkvConnector", "RawkvL2Adapter", "RawkvHiCache"]


def test_table_of_parameters_has_the_defaults_of_the_code():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
    defaults = {**inspect.signature(open_cache_store).parameters, **inspect.signature(RawkvConnector).parameters}
    in_one_row = {"queue_depth", "memtable_bytes", "block_cache_bytes", "discard_freed"}
    assert set(defaults) - set(rows) - in_one_row == {"store_parameters"}
    assert all(f"`{name}`" in PAGE for name in in_one_row)
    for name in ("capacity", "engine", "slot_bytes", "durability", "operations_max", "bytes_in_flight_max",
                 "format_if_missing"):
        assert json.loads(rows[name].strip("`")) == defaults[name].default, name
