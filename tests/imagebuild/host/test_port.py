# SPDX-License-Identifier: Apache-2.0
"""The port is small, and every adapter has all of it."""

from __future__ import annotations

import inspect

import pytest

from imagebuild.host import Host, LocalHost, MemoryHost

METHODS = [name for name, value in vars(Host).items() if inspect.isfunction(value) and not name.startswith("_")]


def test_it_has_at_most_nine_methods_and_each_says_what_it_promises() -> None:
    assert METHODS == ["facts", "run", "open", "powershell", "engine", "put", "get", "close"]
    assert all(inspect.getdoc(getattr(Host, name)) for name in METHODS)


@pytest.mark.parametrize("adapter", [LocalHost, MemoryHost])
@pytest.mark.parametrize("name", METHODS)
def test_an_adapter_takes_what_the_port_says(adapter: type, name: str) -> None:
    assert inspect.signature(getattr(adapter, name)) == inspect.signature(getattr(Host, name))
