# SPDX-License-Identifier: Apache-2.0
"""Addresses of hosts: what users write, and what is said about what they wrote wrongly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imagebuild.errors import InputError, UnsupportedError, UsageError
from imagebuild.host.address import HostAddress, from_table, parse


@pytest.mark.parametrize(("text", "found", "shown"), [
    ("winrm://build1", HostAddress("winrm", "build1", 5986), "winrm://build1"),
    ("winrm://Administrator@build1:6000", HostAddress("winrm", "build1", 6000, "Administrator"),
     "winrm://Administrator@build1:6000"),
    ("WINRM://a%40corp.example@build1", HostAddress("winrm", "build1", 5986, "a@corp.example"),
     "winrm://a@corp.example@build1"),
    ("winrm+http://[fe80::1]", HostAddress("winrm+http", "fe80::1", 5985), "winrm+http://[fe80::1]"),
    ("ssh://me@build1:2222", HostAddress("ssh", "build1", 2222, "me"), "ssh://me@build1:2222"),
    ("tcp://build1:2376", HostAddress("tcp", "build1", 2376), "tcp://build1:2376"),
    ("unix:///run/docker.sock", HostAddress("unix", path="/run/docker.sock"), "unix:///run/docker.sock"),
    ("npipe:////./pipe/docker_engine", HostAddress("npipe", path="//./pipe/docker_engine"),
     "npipe:////./pipe/docker_engine"),
    ("context://build1", HostAddress("context", path="build1"), "context://build1"),
    ("host://win", HostAddress("host", "win"), "host://win"),
    ("local", HostAddress("local"), "local"),
])
def test_each_kind_of_address_is_understood(text: str, found: HostAddress, shown: str) -> None:
    assert parse(text) == found
    assert str(found) == shown


@pytest.mark.parametrize(("text", "why"), [
    ("", "no host was named"), ("build1", "no kind of address"), ("winrm://", "names no host"),
    ("winrm://me:secret@build1", "lists of processes"), ("winrm://build1/x", "goes on after"),
    ("winrm://build1?x", "goes on after"), ("winrm://build 1", "a space"), ("winrm://build1\n", "build1"),
    ("winrm://build1:99999", "ort"), ("winrm://build1:0", "port 0"), ("winrm://-oProxyCommand=x", "names no host"),
    ("winrm://b!uild", "cannot be the name"), ("ssh://-oProxyCommand=x", "dash"), ("ssh://me:pw@x", "password"),
    ("context://a/b", "name alone"), ("host://", "name alone"), ("local://x", "kind of address"),
])
def test_what_cannot_be_an_address_is_refused_with_its_reason(text: str, why: str) -> None:
    if text.endswith("\n"):
        assert parse(text).name == why  # blanks around it are not part of it
        return
    with pytest.raises((UsageError, UnsupportedError)) as caught:
        parse(text)
    assert why in str(caught.value)
    assert "secret" not in "".join(caught.value.lines())


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(UnsupportedError, match="'telnet' is not a kind of address"):
        parse("telnet://build1")


def test_a_name_of_the_file_stands_for_its_address() -> None:
    hosts = {"build1": from_table("build1", {"address": "winrm://me@b.example", "ca": "root.pem", "auth": "kerberos",
                                             "docker": r"D:\docker\docker.exe"}, Path("/etc/wcow"))}
    assert parse("build1", hosts) == HostAddress("winrm", "b.example", 5986, "me", auth="kerberos",
                                                 ca="/etc/wcow/root.pem", docker=r"D:\docker\docker.exe")
    with pytest.raises(UsageError, match="has build1"):
        parse("build2", hosts)


@pytest.mark.parametrize(("table", "why"), [
    ("winrm://x", "must be a table"), ({}, "has no address"), ({"address": "winrm://"}, "cannot reach a host"),
    ({"address": "winrm://x", "password": "p"}, "has a password"), ({"address": "winrm://x", "colour": "p"}, "colour"),
    ({"address": 5}, "text in quotes"), ({"address": "winrm://x", "auth": "digest"}, "no login 'digest'"),
])
def test_a_wrong_table_says_what_is_wrong(table: Any, why: str) -> None:
    with pytest.raises(InputError, match=why):
        from_table("build1", table, Path("/etc"))
