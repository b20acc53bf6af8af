# SPDX-License-Identifier: Apache-2.0
"""What ``shutdown.exe`` on a host asks for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from imagebuild.hostd import power
from imagebuild.hostd.power import Power


def test_a_restart_comes_when_its_time_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "GRACE", 0.0)

    async def play() -> str:
        asked = Power()
        assert asked.ask("r 0\n") == 0
        return await asyncio.wait_for(asked.wait(), 5)

    assert asyncio.run(play()) == "r"


def test_a_second_shutdown_is_refused_and_the_first_can_be_aborted() -> None:
    async def play() -> list[int]:
        asked = Power()
        codes = [asked.ask(line) for line in ("a", "s 600", "r 0", "a 0", "a", "r 600")]
        await asked.close()
        return codes

    assert asyncio.run(play()) == [1116, 0, 1190, 0, 1116, 0]


@pytest.mark.parametrize("line", ["", "x 1", "r", "r -1", "r 1.5", "r 315360001", "r ²"])
def test_what_is_no_request_is_refused(line: str) -> None:
    assert Power().ask(line) == 87


def test_a_program_asks_over_a_socket_and_nonsense_ends_nothing(tmp_path: Path) -> None:
    async def say(data: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "power")
        writer.write(data)
        got = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return got

    async def play() -> list[bytes]:
        asked = Power()
        await asked.listen(tmp_path / "power")
        said = [await say(data) for data in (b"\xff\xfe\n", b"x" * 200 + b"\n", b"s 600\n", b"s 600\n")]
        await asked.close()
        return said

    assert asyncio.run(play()) == [b"87\n", b"", b"0\n", b"1190\n"]
