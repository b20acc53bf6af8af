# SPDX-License-Identifier: Apache-2.0
"""The rules of a duplex over WinRM, each against the service: what arrives there, in which order, how many at once."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import tunnels

from imagebuild.errors import HostError, UsageError
from imagebuild.host import WinrmHost
from imagebuild.host.command import Lost
from imagebuild.host.engine import windows_ways
from imagebuild.host.wsman import shell
from imagebuild.hostd.winrm.envelope import fault
from imagebuild.hostd.winrm.envelope.fault import Fault
from imagebuild.hostd.winrm.service import Service

ACTION = re.compile(rb"<a:Action[^>]*>[^<]*/([A-Za-z]+)</a:Action>")

LINE = re.compile(rb"<r:Command>([^<]*)</r:Command>")


class Heard:
    """What the service was asked: the last word of each action, and the envelopes."""

    def __init__(self) -> None:
        self.actions: list[str] = []
        self.envelopes: list[bytes] = []
        self.at_once: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.before: Callable[[str], None] = lambda action: None

    def of(self, action: str) -> list[bytes]:
        return [envelope for name, envelope in zip(self.actions, self.envelopes, strict=True) if name == action]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    heard, real = Heard(), Service.answer

    async def answer(self: Service, data: bytes, caller: Any) -> Any:
        found = ACTION.search(data)
        name = found[1].decode() if found else ""
        heard.actions.append(name)
        heard.envelopes.append(data)
        heard.at_once[name] = heard.at_once.get(name, 0) + 1
        heard.most[name] = max(heard.most.get(name, 0), heard.at_once[name])
        try:
            return await real(self, data, caller)
        finally:
            heard.at_once[name] -= 1

    async def refusing(self: Service, asked: Any, caller: Any) -> Any:
        heard.before(asked.operation)
        return await inner(self, asked, caller)

    inner = Service._answer
    monkeypatch.setattr(Service, "answer", answer)
    monkeypatch.setattr(Service, "_answer", refusing)
    return heard


@pytest.fixture
def host(heard: Heard, tmp_path: Path) -> Iterator[WinrmHost]:
    with tunnels.winrm_host(tmp_path) as (found, _):
        yield found


def test_input_is_a_pipe_and_not_a_console(host: WinrmHost, heard: Heard) -> None:
    host.run(["cat"], stdin=b"\x1a")
    assert b'Name="WINRS_CONSOLEMODE_STDIN">FALSE<' in heard.of("Command")[0]


def test_input_goes_there_while_a_receive_waits(host: WinrmHost) -> None:
    with host.open(["cat"]) as running:
        running.silent(15)  # a Receive that blocked the Send would hold it for twenty
        time.sleep(0.2)
        running.send(b"x")
        assert running.receive(1) == b"x"


def test_one_send_at_a_time_in_a_shell(host: WinrmHost, heard: Heard) -> None:
    with host.open(["cat"]) as running:
        threads = [threading.Thread(target=running.send, args=(b"x" * 300_000,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        got = 0
        while got < 8 * 300_000:
            got += len(running.receive(1 << 20))
        for thread in threads:
            thread.join()
    assert heard.most["Send"] == 1
    assert len(heard.of("Send")) > 3


def test_each_running_command_has_a_shell_of_its_own(host: WinrmHost, heard: Heard) -> None:
    with host.open(["cat"]), host.open(["cat"]):
        pass
    shells = [re.search(rb'Name="ShellId">([^<]+)<', envelope) for envelope in heard.of("Command")]
    assert len({found[1] for found in shells if found}) == 2


def test_a_shell_that_had_too_many_operations_is_replaced(host: WinrmHost, heard: Heard) -> None:
    left = [Fault(fault.OPERATION_QUOTA)]

    def before(operation: str) -> None:
        if operation == "command" and left:
            raise left.pop()

    heard.before = before
    assert host.run(["echo", "hello"]).out == b"hello\n"
    host.close()
    assert len(heard.of("Create")) == 2
    assert len(heard.of("Delete")) == 2


def test_a_quota_that_stays_is_an_error_with_its_number(host: WinrmHost, heard: Heard) -> None:
    def before(operation: str) -> None:
        if operation == "create":
            raise Fault(fault.SHELL_QUOTA)

    heard.before = before
    with pytest.raises(HostError, match="30 concurrent shells") as caught:
        host.run(["echo"])
    assert (caught.value.code, caught.value.temporary) == (fault.SHELL_QUOTA.code, True)


def test_a_receive_that_timed_out_is_asked_again(host: WinrmHost, heard: Heard,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "RECEIVE", 0.2)
    assert host.run(["sh", "-c", "sleep 1; echo late"]).out == b"late\n"
    assert len(heard.of("Receive")) > 3


def test_a_send_that_timed_out_is_not_asked_again(host: WinrmHost, heard: Heard) -> None:
    def before(operation: str) -> None:
        if operation == "send":
            raise Fault(fault.TIMED_OUT)

    heard.before = before
    with host.open(["cat"]) as running:
        running.send(b"x")
        with pytest.raises(Lost, match="OperationTimeout"):
            running.receive(1)
    assert len(heard.of("Send")) == 1


@pytest.mark.parametrize("envelope", [20_000, 153_600])
def test_no_request_is_longer_than_the_hosts_envelopes(host: WinrmHost, heard: Heard, envelope: int) -> None:
    host._envelope = envelope
    assert len(host.run(["cat"], stdin=b"x" * 500_000).out) == 500_000
    assert max(map(len, heard.envelopes)) <= envelope
    assert max(map(len, heard.of("Send"))) > envelope * 0.8  # and they are used


def test_the_host_is_asked_how_long_envelopes_may_be(host: WinrmHost, heard: Heard) -> None:
    assert host.envelope() == 500 << 10
    assert len(heard.of("Get")) == 1

    def before(operation: str) -> None:
        if operation == "get":
            raise Fault(fault.INTERNAL, "Access is denied. ")

    heard.before, host._envelope = before, 0
    assert host.envelope() == 150 << 10  # only administrators are told


def test_a_signal_follows_the_last_output_and_then_the_shell_is_closed(host: WinrmHost, heard: Heard) -> None:
    host.run(["echo", "hello"])
    host.close()
    assert heard.actions[-2:] == ["Signal", "Delete"]
    assert "Receive" not in heard.actions[heard.actions.index("Signal"):]


def test_what_a_user_wrote_never_stands_on_a_command_line(host: WinrmHost, heard: Heard) -> None:
    with pytest.raises(UsageError, match="'%'"):
        host.run(["echo", "%PATH%"])
    with pytest.raises(UsageError, match="'\"'"):
        host.run(["echo", 'a" & calc'])
    host.run(["true"])
    host.powershell("a user's words")
    assert not any(b"user's words" in envelope for envelope in heard.of("Command"))


def test_programs_of_ours_are_named_by_their_full_path_and_no_option_asks_to_leave_cmd_out(host: WinrmHost,
                                                                                             heard: Heard) -> None:
    ways = list(windows_ways(host))  # asks reg.exe for the service
    host.powershell("1")
    for way in ways:
        host.open(way.command).close()
    found = [LINE.search(envelope) for envelope in heard.of("Command")]
    lines = [one[1].decode() for one in found if one]
    assert len(lines) == len(heard.of("Command")) == 2 + len(ways)
    assert all(re.match(r"\"?C:\\", line) for line in lines), lines
    for envelope in heard.of("Command"):
        assert b'Name="WINRS_SKIP_CMD_SHELL">FALSE<' in envelope


def test_a_command_that_is_killed_under_a_send_ends(host: WinrmHost) -> None:
    with host.open(["sleep", "60"]) as running:
        try:
            for _ in range(8):
                running.silent(0.2)
                running.send(b"x" * 400_000)
        except TimeoutError:
            pass
        running.kill()
        with pytest.raises(HostError, match="sleep was"):
            running.wait(15)
