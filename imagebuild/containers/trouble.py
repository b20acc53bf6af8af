# SPDX-License-Identifier: Apache-2.0
"""What Windows says when a container does not start or does not go, and whether the same call may succeed next time.

An engine passes on the words of HCS and HNS. The table says what they mean for one who tries again; the whole
catalogue of causes is in :mod:`imagebuild.compat.failures.catalogue`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

Stage = Literal["start", "remove", "connect"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failure that passes by itself (``again``) or that has another meaning than its words (``meaning``, ``hint``).
    """

    id: str
    stage: Stage
    regex: str
    source: str
    again: bool = False
    meaning: str = ""
    hint: str = ""


TROUBLES: tuple[Trouble, ...] = (
    Trouble("port-taken", "start",
            r"(HNS failed|hnsCall)[^\n]{0,200}(used by another process|\(0x20\)|0x803b0013|port already exists)"
            r"|HCN_E_PORT_ALREADY_EXISTS|port is already allocated",
            "docker/for-win#2213, moby/moby#34498", meaning="a port that it publishes is taken on the engine's host",
            hint="publish another port, or none: ports=[80] takes one that is free"),
    Trouble("parallel-start", "start", r"CreateComputeSystem[^\n]{0,200}(Incorrect function|\(0x1\))",
            "actions/runner-images#13888", again=True, hint="--wcow-max-starts=1 starts one container at a time"),
    Trouble("in-use", "start", r"(CreateComputeSystem|ActivateLayer|PrepareLayer|System::Start)[^\n]{0,200}"
            r"(requested resource is in use|0xaa\))", "moby/moby#37562", again=True),
    Trouble("prepare-layer", "start",
            r"PrepareLayer[^\n]{0,200}(Incorrect function|\(0x1\)|timeout period expired|\(0x5b4\))",
            "moby/moby#25601", again=True),
    Trouble("resources", "start", r"Insufficient system resources|\(0x5aa\)", "microsoft/hcsshim#437", again=True,
            hint="the host is short of memory: fewer containers at a time"),
    Trouble("vm-connection", "start", r"0x(80|c0)37010[89a]\b|A connection could not be established with the Virtual "
            r"Machine|response was not received from the virtual machine", "microsoft/hcsshim#152", again=True),
    Trouble("start-deadline", "start",
            r"System::Start[^\n]{0,200}context deadline exceeded|timeout waiting for notification",
            "moby/moby#29689", again=True),
    Trouble("exit-event", "remove", r"did not receive an exit event", "dotnet/dotnet-docker#5127", again=True),
    Trouble("root-busy", "remove", r"failed to remove root filesystem|failed to detach VHD|"
            r"used by another process|Access is denied|device is not ready", "moby/moby#40723", again=True,
            hint="the host still holds its files; the next run's sweep removes it"),
    Trouble("in-progress", "remove", r"removal of container \S+ is already in progress", "moby/moby#23371", again=True),
    Trouble("pipe-busy", "connect", r"[Aa]ll pipe instances are busy|\(0xe7\)", "docker/compose#4082", again=True),
)


def trouble_of(text: str, stage: Stage) -> Trouble | None:
    """The row of the table that an engine's words belong to, ``None`` when none does."""
    return next((row for row, pattern in _compiled() if row.stage == stage and pattern.search(text)), None)


@cache
def _compiled() -> tuple[tuple[Trouble, re.Pattern[str]], ...]:
    return tuple((row, re.compile(row.regex)) for row in TROUBLES)
