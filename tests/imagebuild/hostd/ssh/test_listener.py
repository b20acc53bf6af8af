# SPDX-License-Identifier: Apache-2.0
"""The ssh service, asked by OpenSSH's own client; the machine behind it is a shell of this one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from support import programs
from support.winrm_machine import ShellMachine, ShellProgram

from imagebuild.hostd.program import Start
from imagebuild.hostd.winrm.accounts import TRIES, Account, Accounts

pytest.importorskip("asyncssh", reason="asyncssh is not installed: pip install 'wcow[host]'")
from imagebuild.hostd.ssh import SshListener
from imagebuild.hostd.ssh.listener import parse_keys

PASSWORD = "pass word 1"
T = TypeVar("T")


class Machine(ShellMachine):
    """The shell's machine with a file of keys, and no registry."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: Path | None = None

    async def start(self, start: Start) -> ShellProgram:
        """Answer what the service itself asks, else start the line."""
        if start.line.startswith("reg.exe"):
            return await super().start(Start("exit 1"))
        if "administrators_authorized_keys" in start.line:
            return await super().start(Start(f"cat {self.keys}"))
        return await super().start(start)


class Served:
    """A service on a port; :meth:`ssh` runs the real client."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.machine = folder, Machine()
        self.accounts = Accounts("HOST", (Account("Administrator", PASSWORD),))
        self.listener = SshListener(self.machine, self.accounts, folder / "key")
        self.port = 0
        self.loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def command(self, *words: str, user: str = "Administrator", options: tuple[str, ...] = ()) -> list[str]:
        return [str(programs.find("ssh")), "-F", "none", "-p", str(self.port), "-o", "StrictHostKeyChecking=no", "-o",
                f"UserKnownHostsFile={self.folder}/known", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes", "-o",
                "NumberOfPasswordPrompts=1", *options, f"{user}@127.0.0.1", *words]

    def environment(self, password: str = PASSWORD) -> dict[str, str]:
        ask = self.folder / "ask"
        ask.write_text(f"#!/bin/sh\necho '{password}'\n")
        ask.chmod(0o700)
        return {**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "HOME": str(self.folder)}

    def ssh(self, *words: str, password: str = PASSWORD, data: bytes = b"", user: str = "Administrator",
            options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(self.command(*words, user=user, options=options), input=data, capture_output=True,
                              timeout=30, env=self.environment(password), check=False)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with programs.skipping():
        programs.find("ssh")
    made = Served(tmp_path)
    thread = threading.Thread(target=made.loop.run_forever)
    thread.start()
    try:
        made.port = made.run(made.listener.start("127.0.0.1", 0))
        yield made
        made.run(made.listener.close())
    finally:
        made.loop.call_soon_threadsafe(made.loop.stop)
        thread.join(10)
        made.loop.close()


def test_a_command_gives_its_output_its_errors_and_its_exit_code(served: Served) -> None:
    done = served.ssh("echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 7)
    assert served.machine.started[-1].line == r'"C:\windows\system32\cmd.exe" /c "echo out; echo err >&2; exit 7"'


def test_input_reaches_the_program_and_ends(served: Served) -> None:
    data = os.urandom(3 << 20)
    done = served.ssh("cat", data=data)
    assert done.returncode == 0
    assert done.stdout == data


def test_a_code_of_32_bits_is_told_whole(served: Served) -> None:
    class Crash(Machine):
        async def start(self, start: Start) -> ShellProgram:
            program = await super().start(start)

            async def code() -> int:
                return 0xC0000005

            program.code = code  # type: ignore[method-assign]
            return program

    served.machine.__class__ = Crash
    done = served.ssh("true", options=("-v", "-o", "LogLevel=DEBUG1"))
    assert b"exit-status" in done.stderr
    assert done.returncode == 5  # what OpenSSH's client keeps of it


def test_a_wrong_password_and_another_user_do_not_get_in(served: Served) -> None:
    for user, password in (("Administrator", "wrong"), ("nosuch", PASSWORD), ("Administrator@other", PASSWORD)):
        done = served.ssh("echo in", user=user, password=password)
        assert done.returncode == 255
        assert b"Permission denied" in done.stderr
    assert served.ssh("echo in", user="administrator").stdout == b"in\n"


def test_guessing_locks_the_account(served: Served) -> None:
    for _ in range(TRIES):
        served.accounts.failed("Administrator")
    assert served.ssh("echo in").returncode == 255


def test_a_key_of_the_administrators_gets_in_and_another_does_not(served: Served) -> None:
    for name in ("known", "other"):
        make_key("ed25519", served.folder / f"id_{name}")
    served.machine.keys = served.folder / "authorized"
    served.machine.keys.write_text("# a comment\nnonsense\n" + (served.folder / "id_known.pub").read_text())

    def login(name: str) -> int:
        return served.ssh("true", options=("-i", str(served.folder / f"id_{name}"), "-o",
                                           "PreferredAuthentications=publickey")).returncode

    assert login("known") == 0
    assert login("other") == 255


def test_keys_are_read_with_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    with programs.skipping():
        make_key("rsa", tmp_path / "id")
    line = (tmp_path / "id.pub").read_text().strip()
    assert len(parse_keys(f"\ufeff{line}\r\n\r\n")) == 1
    assert parse_keys("") == frozenset()


def test_a_subsystem_that_is_not_there_is_refused(served: Served) -> None:
    done = served.ssh("nosuch", options=("-s",))
    assert done.returncode == 255
    assert b"subsystem request failed" in done.stderr


def test_a_client_that_goes_away_ends_its_program(served: Served, tmp_path: Path) -> None:
    client = subprocess.Popen(served.command(f"echo $$ > {tmp_path}/pid; sleep 600"), env=served.environment(),
                              stdin=subprocess.PIPE)
    try:
        _until(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text().strip())
        pid = int((tmp_path / "pid").read_text())
    finally:
        client.kill()
        client.communicate()
    _until(lambda: not _lives(pid))


def test_a_service_that_ends_leaves_no_program_and_no_port(served: Served, tmp_path: Path) -> None:
    client = subprocess.Popen(served.command(f"echo $$ > {tmp_path}/pid; sleep 600"), env=served.environment(),
                              stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    _until(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text().strip())
    pid = int((tmp_path / "pid").read_text())
    served.run(served.listener.close())
    assert client.wait(20) == 255
    client.communicate()
    _until(lambda: not _lives(pid))
    with contextlib.closing(socket.socket()) as one:
        assert one.connect_ex(("127.0.0.1", served.port)) != 0


def test_a_port_that_is_taken_is_told(served: Served, tmp_path: Path) -> None:
    second = SshListener(served.machine, served.accounts, tmp_path / "key")
    with pytest.raises(OSError, match="address already in use"):
        served.run(second.start("127.0.0.1", served.port))


def test_the_hosts_key_stays_and_is_its_users_alone(served: Served, tmp_path: Path) -> None:
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert served.ssh("true").returncode == 0
    first = (tmp_path / "known").read_text()
    served.run(served.listener.close())
    served.run(served.listener.start("127.0.0.1", served.port))
    assert served.ssh("true", options=("-o", "StrictHostKeyChecking=yes")).returncode == 0
    assert (tmp_path / "known").read_text() == first


def make_key(kind: str, path: Path) -> None:
    programs.run(programs.find("ssh-keygen"), "-q", "-t", kind, "-N", "", "-f", path)


def _until(true: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
