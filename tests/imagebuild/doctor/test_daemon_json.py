# SPDX-License-Identifier: Apache-2.0
"""daemon.json as dockerd would take it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.doctor import daemon_json


@given(st.text(max_size=60), st.text(max_size=40))
def test_any_text_is_settings_or_an_error(text: str, arguments: str) -> None:
    settings = daemon_json.read(text)
    assert not (settings.values and settings.error)
    daemon_json.twice(settings, arguments)
    daemon_json.proxies(settings)


@given(st.dictionaries(st.sampled_from(["proxies", "hosts", "data-root"]), st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["http-proxy", "https-proxy"]),
                                                                inner))))
def test_values_of_any_kind_are_taken(values: dict[str, Any]) -> None:
    settings = daemon_json.read(json.dumps(values))
    assert settings == daemon_json.Settings(values)
    assert all(daemon_json.proxies(settings))


@pytest.mark.parametrize(("text", "error"), [
    ("", ""), (" \n", ""), ("{}", ""), ('{"a": 1,}', "line 1, column 9"), ("{\n'a': 1}", "line 2, column 1"),
    ("[]", "no JSON object"), ("[" * 100_000, "nested too deeply"), ('{"a": ' + "1" * 5000 + "}", "too long"),
])
def test_what_dockerd_refuses_is_told_with_its_place(text: str, error: str) -> None:
    found = daemon_json.read(text).error
    assert bool(found) == bool(error)
    assert error in found


@pytest.mark.parametrize(("arguments", "both"), [
    ("dockerd.exe --run-service", ()), ("dockerd.exe -H npipe:// --run-service", ("hosts",)),
    ("dockerd --host=tcp://x", ("hosts",)), ('"C:\\p\\dockerd.exe" --data-root D:\\x -G users', ("data-root", "group")),
    ("dockerd --hosts-file", ()), ("dockerd D:\\a-H b", ()),
])
def test_a_setting_in_two_places_is_found(arguments: str, both: tuple[str, ...]) -> None:
    settings = daemon_json.read('{"hosts": [], "data-root": "D:", "group": "users"}')
    assert daemon_json.twice(settings, arguments) == both


def test_proxies_are_found() -> None:
    assert daemon_json.proxies(daemon_json.read('{"proxies": {"https-proxy": "http://p:1", "no-proxy": "x"}}')) == (
        "http://p:1",)
    assert daemon_json.proxies(daemon_json.read("{}")) == ()
