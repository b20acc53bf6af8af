# SPDX-License-Identifier: Apache-2.0
"""Rows of ``docs/unproven.md``, "Reaching a host": each test's docstring begins as its row does, and what it prints is
what the row may say from then on, with the host's build."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from imagebuild.dockerapi import Client
from imagebuild.errors import HostError
from imagebuild.host import Host, WinrmHost
from imagebuild.host.command import Lost
from imagebuild.host.tunnel import Tunnel
from imagebuild.host.wsman import answer, shell
from imagebuild.host.wsman.envelope import Sender
from imagebuild.host.wsman.transport import Refused

pytestmark = pytest.mark.slow

COPY = "[Console]::OpenStandardInput().CopyTo([Console]::OpenStandardOutput())"
CMD = r"C:\Windows\System32\cmd.exe"
ALL = bytes(range(256)) * 4096


class Skipping(Sender):
    """Asks to leave cmd out."""

    def command(self, shell: str, identity: str, line: str, seconds: float) -> bytes:
        return super().command(shell, identity, line, seconds).replace(
            b'"WINRS_SKIP_CMD_SHELL">FALSE', b'"WINRS_SKIP_CMD_SHELL">TRUE')


def echoed(host: Any, data: bytes) -> bytes:
    """What a program there got on its input, as it gave it back."""
    return bytes(host.run(host.script(COPY), stdin=data, timeout=120).out)


def test_a_full_path_runs_with_cmd_and_without(live: WinrmHost) -> None:
    """Whether `WINRS_SKIP_CMD_SHELL` is ignored"""
    before = live._sender
    words = [CMD, "/c", "echo", "hello"]
    assert live.run(words).out.strip() == b"hello"
    live._sender = Skipping(**{one.name: getattr(before, one.name) for one in dataclasses.fields(before)})
    try:
        assert live.run(words).out.strip() == b"hello"
        try:
            done = live.run(["hostname"])
            print("a bare name with the option:", done)
        except HostError as error:
            assert error.code == 0x80070002
            print("the option is obeyed:", error)
    finally:
        live._sender = before


def test_input_in_pipe_mode_arrives_verbatim(live: WinrmHost) -> None:
    """Whether input in pipe mode arrives verbatim"""
    assert hashlib.sha256(echoed(live, ALL)).digest() == hashlib.sha256(ALL).digest()


def test_a_program_that_does_not_read_for_a_minute_loses_nothing_silently(live: WinrmHost) -> None:
    """Whether a Send that faults with a time-out has delivered its bytes"""
    wait = "Start-Sleep 75; $n = 0; $b = New-Object byte[] 65536; $i = [Console]::OpenStandardInput(); " \
           "while (($r = $i.Read($b, 0, 65536)) -gt 0) { $n += $r }; [Console]::Out.Write($n)"
    with live.open(live.script(wait)) as running:
        try:
            running.silent(240)
            for _ in range(40):
                running.send(b"x" * 250_000)
            running.end()
            said = running.receive(100)
        except Lost as lost:
            print("the Send faulted:", lost.error)
            assert isinstance(lost.error, HostError) and lost.error.code
            return
        assert said == b"10000000"
        print("no Send faulted in 75 seconds")


def test_what_a_broken_receive_had(live: WinrmHost) -> None:
    """Whether a Receive whose connection broke can be asked again without a loss"""
    sender, transport = live._sender, live._transports.take()
    created = transport.exchange(sender.create(code_page=65001, idle=600, environment={}, seconds=60), 60)
    identity = answer.shell_id(created)
    script = live.script("1..40 | ForEach-Object { [Console]::Out.WriteLine($_); Start-Sleep -Milliseconds 500 }")
    command = answer.command_id(transport.exchange(
        sender.command(identity, str(uuid.uuid4()).upper(), " ".join(script), 60), 60))
    got, broken, done = bytearray(), 0, False
    end = time.monotonic() + 120
    while not done and time.monotonic() < end:
        try:
            # Fifteen seconds are added to the time for the answer: this Receive is left after a second.
            root = transport.exchange(sender.receive(identity, command, shell.RECEIVE), -14.0 if broken < 10 else 20.0)
        except Refused:
            continue
        except HostError:
            broken += 1
            continue
        found = answer.output(root)
        got += b"".join(data for name, data in found.pieces if name == "stdout")
        done = found.done
    transport.exchange(sender.delete(identity, 60), 60)
    whole = [int(line) for line in got.split()] == list(range(1, 41))
    print(f"{broken} Receives were left, and of forty lines {len(got.split())} came: {'all' if whole else 'a loss'}")
    assert done


def test_ssh_carries_bytes_unchanged(live_ssh: Host) -> None:
    """Whether Windows' sshd carries bytes unchanged with PowerShell as its default shell"""
    assert hashlib.sha256(echoed(live_ssh, ALL)).digest() == hashlib.sha256(ALL).digest()


def test_powershell_leaves_standard_input_to_a_script(live: WinrmHost, tmp_path: Path) -> None:
    """Whether Windows PowerShell 5.1 leaves standard input to a script"""
    assert live.powershell("'é' + $PSVersionTable.PSVersion.Major").out.decode().strip() in ("é5", "é7")
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(ALL)
    target = rf"C:\Windows\Temp\wcow-live-{uuid.uuid4().hex}"
    try:
        assert live.put(source, target) == len(ALL)
        assert live.put(source, target) == 0
        assert live.get(target, back) == len(ALL)
        assert back.read_bytes() == ALL
    finally:
        live.run([CMD, "/c", "del", target])


def test_a_tunnel_runs_a_container(live: WinrmHost, live_image: str, tmp_path: Path) -> None:
    """Whether the relay in PowerShell reaches Docker Desktop's pipe"""
    with Tunnel(live.dialer, tmp_path / "t" / "t.sock", say=print) as tunnel:
        print("by", tunnel.way)
        with Client.at(tunnel.address) as client:
            print("engine:", client.json("GET", "/version")["Version"])
        done = subprocess.run(["docker", "run", "--rm", "-i", live_image, "cmd", "/c", "findstr l"], input=b"hello\r\n",
                              capture_output=True, check=False, timeout=600,
                              env={**os.environ, "DOCKER_HOST": tunnel.address})
        assert done.stdout.strip() == b"hello", done.stderr
