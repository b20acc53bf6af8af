# SPDX-License-Identifier: Apache-2.0
"""One run of a container: its box, its main program and streams, and those who wait for its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ...runtime.port import Box, Process
from ..streams.pipes import PipeRelay
from ..streams.streams import Streams
from ..streams.webproxy import WebProxy
from .stats import Usage


@dataclass(slots=True, eq=False)
class Run:
    """``ended`` completes with the exit code when the program is gone and all its output is on disk; with
    ``restarting`` somebody stops it only to start it again. ``pipes`` serves its named pipes, ``None``: it has none;
    ``proxy`` its way to HTTP."""

    box: Box
    process: Process
    streams: Streams
    ended: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    restarting: bool = False
    pipes: PipeRelay | None = None
    proxy: WebProxy | None = None
    usage: Usage = field(default_factory=Usage)

    @property
    def pid(self) -> int:
        """The process on this machine."""
        return self.process.host_pid
