# SPDX-License-Identifier: Apache-2.0
"""Hosts as users name them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import click
import pytest
from support import toy_engine, tunnels, wire
from support.winrm_machine import ShellMachine
from support.winrm_service import serving

from imagebuild.cli.app import wcow
from imagebuild.cli.hosts.passwords import PASSWORD
from imagebuild.cli.hosts.reach import host_at
from imagebuild.errors import HostError, NotFoundError, UsageError
from imagebuild.host import EngineHost, LocalHost, SshHost, WinrmHost


@pytest.fixture
def ctx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> click.Context:
    """A run of the command in a folder whose ``wcow.toml`` names two hosts."""
    (tmp_path / "wcow.toml").write_text('[hosts.build1]\naddress = "winrm://me@build1"\nca = "corp.pem"\n'
                                        '[hosts.linux]\naddress = "ssh://me@linux"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WCOW_ENGINE_ROOT", str(tmp_path / "engine"))
    monkeypatch.setenv(PASSWORD, "secret")
    monkeypatch.delenv("WCOW_CA_FILE", raising=False)
    return click.Context(wcow)


@pytest.mark.parametrize(("text", "kind"), [
    ("winrm://me@host", WinrmHost), ("winrm+http://me@host", WinrmHost), ("ssh://host", SshHost),
    ("tcp://host:2375", EngineHost), ("unix:///run/docker.sock", EngineHost), ("context://x", EngineHost),
    ("local", LocalHost), ("build1", WinrmHost), ("linux", SshHost)])
def test_each_kind_of_address_has_its_adapter(ctx: click.Context, text: str, kind: type) -> None:
    assert isinstance(host_at(ctx, text), kind)


def test_options_go_before_what_the_file_says(ctx: click.Context, tmp_path: Path) -> None:
    found = host_at(ctx, "build1")
    assert isinstance(found, WinrmHost)
    assert (found.address.ca, found.address.auth) == (str(tmp_path / "corp.pem"), "")
    found = host_at(ctx, "build1", auth="basic", host_ca="other.pem", clear_text=True)
    assert isinstance(found, WinrmHost)
    assert (found.address.ca, found.address.auth, found.address.clear_text) == ("other.pem", "basic", True)


def test_a_host_of_this_machine_that_is_not_there_is_told(ctx: click.Context) -> None:
    with pytest.raises(NotFoundError, match="there is no host win"):
        host_at(ctx, "host://win")


def test_the_password_is_read_from_standard_input_where_that_is_asked(
        ctx: click.Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path, ShellMachine()) as served:
        address = tunnels.winrm_address(served, tmp_path)
        for given, good in ((tunnels.PASSWORD, True), ("wrong", False)):
            monkeypatch.setattr("sys.stdin", io.StringIO(f"{given}\nmore"))
            host = host_at(ctx, str(address), password_stdin=True, host_ca=address.ca)
            if good:
                assert host.run(["echo", "hello"]).out == b"hello\n"
            else:
                with pytest.raises(HostError, match="refused the login") as caught:
                    host.run(["echo", "hello"])
                assert caught.value.facts["cause"] == "winrm-denied"
            host.close()


def test_a_login_without_a_password_is_asked_for_none(ctx: click.Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert isinstance(host_at(ctx, "winrm://host", auth="kerberos"), WinrmHost)
    assert isinstance(host_at(ctx, "ssh://host"), SshHost)
    with pytest.raises(UsageError, match="needs a password"):
        host_at(ctx, "winrm://me@host")


def test_an_engines_facts_are_what_it_says(ctx: click.Context, tmp_path: Path) -> None:
    with wire.running(toy_engine.routes(), toy_engine.Engine(), tmp_path) as path:
        host: Any = host_at(ctx, f"unix://{path}")
        assert (host.facts().host.os, str(host.facts().host.engine.version)) == ("windows", "0.1")
