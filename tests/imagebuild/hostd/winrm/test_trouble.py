# SPDX-License-Identifier: Apache-2.0
"""Faults that a test asks for."""

from __future__ import annotations

import asyncio
import time

import pytest

from imagebuild.errors import UsageError
from imagebuild.hostd.winrm.envelope import fault
from imagebuild.hostd.winrm.envelope.fault import Fault
from imagebuild.hostd.winrm.trouble import Trouble, Troubles, check, wsman_faults


def met(troubles: Troubles, operation: str) -> str:
    try:
        asyncio.run(troubles.meet(operation))
    except Fault as found:
        return str(found.kind.code)
    except ConnectionResetError:
        return "dropped"
    return ""


def test_a_fault_meets_its_operation_so_many_times() -> None:
    troubles = Troubles()
    troubles.add(Trouble("wsman", "shell-quota", "create", 2))
    troubles.add(Trouble("drop", operation="send"))
    assert [met(troubles, one) for one in ("send", "create", "receive", "create", "create", "send")] == [
        "dropped", str(fault.SHELL_QUOTA.code), "", str(fault.SHELL_QUOTA.code), "", "dropped"]
    assert troubles.all == (Trouble("drop", operation="send"),)
    troubles.clear()
    assert met(troubles, "send") == ""


def test_http_is_asked_before_and_latency_waits() -> None:
    troubles = Troubles()
    troubles.add(Trouble("http", "403", times=1))
    assert [troubles.status(), troubles.status()] == [403, 0]
    troubles.add(Trouble("latency", "0.05", times=1))
    before = time.monotonic()
    assert met(troubles, "receive") == "" and time.monotonic() - before >= 0.05


def test_a_stalled_request_is_not_answered() -> None:
    troubles = Troubles()
    troubles.add(Trouble("stall", operation="send"))

    async def play() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(troubles.meet("send"), 0.05)

    asyncio.run(play())


def test_every_fault_of_ws_management_can_be_had() -> None:
    assert wsman_faults()["timed-out"] is fault.TIMED_OUT and len(wsman_faults()) >= 18
    for name in wsman_faults():
        check(Trouble("wsman", name))


@pytest.mark.parametrize("trouble", [
    Trouble("earthquake"), Trouble("http", "418"), Trouble("http", "500", "send"), Trouble("latency", "-1"),
    Trouble("latency", "nan"), Trouble("latency", "soon"), Trouble("wsman", "nosuch"), Trouble("drop", "x"),
    Trouble("stall", operation="nosuch"), Trouble("drop", times=-1)])
def test_a_fault_without_meaning_is_refused(trouble: Trouble) -> None:
    with pytest.raises(UsageError):
        check(trouble)
