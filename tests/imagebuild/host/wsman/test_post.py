# SPDX-License-Identifier: Apache-2.0
"""Both libraries that can post envelopes, and what their errors become."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from support import tunnels
from support.winrm_machine import ShellMachine
from support.winrm_service import serving

from imagebuild.errors import DependencyError, HostError
from imagebuild.host import HostAddress, WinrmHost
from imagebuild.host.wsman import post


@pytest.fixture(params=[post.by_pypsrp, post.by_pywinrm], ids=["pypsrp", "pywinrm"])
def library(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "LIBRARIES", [request.param])


def cause(address: HostAddress, password: str = tunnels.PASSWORD) -> str:
    """Why a command could not be run."""
    host = WinrmHost(address, password)
    try:
        with pytest.raises(HostError) as caught:
            host.run(["echo", "hello"])
    finally:
        host.close()
    return str(caught.value.facts["cause"])


def test_what_goes_wrong_has_its_cause(library: None, tmp_path: Path) -> None:
    with serving(tmp_path, ShellMachine()) as served:
        plain, secure = (tunnels.winrm_address(served, tmp_path, tls=tls) for tls in (False, True))
        assert cause(plain, "wrong") == "winrm-denied"
        assert cause(dataclasses.replace(secure, ca="")) == "winrm-tls"
        unverified = dataclasses.replace(secure, ca="", unverified=True)
        with contextlib.closing(WinrmHost(unverified, tunnels.PASSWORD)) as host:
            assert host.run(["echo", "hello"]).out == b"hello\n"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert cause(dataclasses.replace(plain, port=port)) == "winrm-unreachable"


def test_without_a_library_both_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pypsrp.wsman", "winrm.transport"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DependencyError, match="pypsrp and pywinrm"):
        post.connect(HostAddress("winrm", name="win", port=5986, user="me"), "secret")
