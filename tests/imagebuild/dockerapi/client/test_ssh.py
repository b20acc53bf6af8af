# SPDX-License-Identifier: Apache-2.0
"""``ssh://``: the system's ``ssh`` carries the connection. A program of that name stands for it here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support import toy_engine, wire

from imagebuild.dockerapi import Client, shapes
from imagebuild.dockerapi.client import address, ssh
from imagebuild.errors import DaemonError, ToolError

RELAY = """
import socket, sys, threading
there = socket.socket(socket.AF_UNIX)
there.connect(sys.argv[1])
def inward():
    while data := sys.stdin.buffer.raw.read(65536):
        there.sendall(data)
    there.shutdown(socket.SHUT_WR)
threading.Thread(target=inward, daemon=True).start()
while data := there.recv(65536):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of programs that comes first; no process is left of what was started."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    before = children()
    yield tmp_path
    assert children() <= before


def children() -> set[int]:
    """The processes that this one started and has not waited for; other tests' engines are among them."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            found |= {int(number) for number in (task / "children").read_text().split()}
    return found


def put(folder: Path, script: str) -> None:
    (folder / "bin/ssh").write_text("#!/bin/sh\n" + script)
    (folder / "bin/ssh").chmod(0o755)


def test_calls_and_attached_containers_go_over_ssh(folder: Path) -> None:
    (folder / "relay.py").write_text(RELAY)
    put(folder, f'exec "{sys.executable}" -S -E "{folder}/relay.py" "{folder}/docker.sock"')
    with (wire.running(toy_engine.routes(), toy_engine.Engine(), folder),
          Client.at("ssh://me@host", deadline=60, silence=60) as client):
        assert client.ping().os_type == "windows"
        one = client.json("POST", "/containers/create", shape=shapes.Created,
                          body=shapes.CreateRequest(image="upper", open_stdin=True)).id
        with client.attach(f"/containers/{one}/attach", query={"stream": 1, "stdin": 1, "stdout": 1}) as stream:
            client.call("POST", f"/containers/{one}/start").close()
            stream.write(b"some words")
            stream.end()
            assert b"".join(data for _, data in stream.pieces()) == b"SOME WORDS"
        list(client.lines("POST", "/images/load", body=(b"x" * 100_000 for _ in range(20))))


def test_what_ssh_says_is_in_the_error(folder: Path) -> None:
    put(folder, 'echo "me@host: Permission denied (publickey)." >&2; exit 255')
    with Client.at("ssh://me@host") as client, pytest.raises(DaemonError) as caught:
        client.ping()
    assert "ssh ended with 255: me@host: Permission denied (publickey)." in caught.value.why


def test_an_ssh_that_says_nothing_is_silent_and_ended(folder: Path) -> None:
    put(folder, "exec sleep 100")
    with Client.at("ssh://me@host", timeout=0.3) as client, pytest.raises(DaemonError, match="is silent"):
        client.ping()


def test_a_machine_without_ssh_is_told_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{folder}/bin")
    with Client.at("ssh://me@host") as client, pytest.raises(ToolError, match="there is no program ssh"):
        client.ping()


@pytest.mark.parametrize(("text", "line"), [
    ("ssh://host", "-- host docker system dial-stdio"),
    ("ssh://me@host:22", "-l me -p 22 -- host docker system dial-stdio"),
    ("ssh://[2001:db8::1]", "-- 2001:db8::1 docker system dial-stdio"),
    ("ssh://host/run/a b.sock".replace(" ", "%20"), "-- host docker --host 'unix:///run/a b.sock' system dial-stdio"),
])
def test_the_command_line_is_dockers(text: str, line: str) -> None:
    assert " ".join(ssh.command(address.parse(text))) == f"ssh -o ConnectTimeout=30 -T {line}"
