# SPDX-License-Identifier: Apache-2.0
"""The fake keeps the port's contract."""

from __future__ import annotations

import pytest
from support.machines import SERVER_2022

from imagebuild.errors import ToolError
from imagebuild.host import Done, Host, MemoryHost
from imagebuild.windows.facts.machine import MachineFacts


def test_it_answers_what_it_was_told() -> None:
    host: Host = MemoryHost(SERVER_2022, {"cmd /c ver": Done(0, b"10.0")})
    assert host.facts() == SERVER_2022
    assert host.run(["cmd", "/c", "ver"]) == Done(0, b"10.0")
    host.close()
    host.close()
    assert MemoryHost().facts() == MachineFacts()


def test_what_it_was_not_told_is_an_error_and_remembered() -> None:
    host = MemoryHost()
    with pytest.raises(ToolError, match="cannot run format"):
        host.run(["format", "c:"], stdin=b"y")
    assert host.commands == [(("format", "c:"), b"y")]
