# SPDX-License-Identifier: Apache-2.0
"""HEALTHCHECK: a program is run in the container every while, and its exit code is the container's health.

Defaults and states are moby's (``daemon/health.go``): every 30 s, 30 s to answer, three failures make it unhealthy;
failures during the start period do not count. The shell of ``CMD-SHELL`` is the image's, else ``cmd /S /C``.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from ...dockerapi import shapes
from ...dockerapi.duration import duration_text, moment_text
from ...dockerapi.names import new_id
from ...errors import WcowError
from ...runtime.port import KILLED, Command, Process
from ..streams.streams import Streams
from .commandline import exec_line
from .container import Container
from .start_fault import start_fault

SECOND = 1_000_000_000
INTERVAL, TIMEOUT, START_INTERVAL, RETRIES = 30 * SECOND, 30 * SECOND, 5 * SECOND, 3
KEPT, LONGEST = 5, 4096
"""Probes that are remembered, and bytes of what each said."""


class Tell(Protocol):
    """Hears what becomes of a container: the action, and more attributes of the event."""

    def __call__(self, action: str, **more: str) -> None:
        """Something happened."""


def probe_words(check: shapes.Healthcheck, shell: tuple[str, ...] | None) -> tuple[str, ...]:
    """The program of a probe and its arguments; empty when there is none (``NONE``, or nothing)."""
    kind, *words = check.test or ("NONE",)
    if kind == "CMD":
        return tuple(words)
    return (*(shell or ("cmd", "/S", "/C")), *words) if kind == "CMD-SHELL" else ()


async def watch(container: Container, tell: Tell) -> None:
    """Probe a running container until it ends; ``tell`` hears of every probe and of every change of its health."""
    check = container.config.healthcheck
    run = container.run
    words = probe_words(check, container.config.shell) if check is not None else ()
    if check is None or run is None or not words:
        container.health = None
        return
    container.health = shapes.Health(status="starting")
    began = time.time_ns()
    while not run.ended.done():
        starting = container.health.status == "starting" and time.time_ns() - began < check.start_period
        pause = (check.start_interval or START_INTERVAL) if starting else (check.interval or INTERVAL)
        done, _unused = await asyncio.wait([run.ended], timeout=pause / SECOND)
        if done:
            return
        probe = await _probe(container, words, (check.timeout or TIMEOUT) / SECOND, tell)
        if probe is None:
            return
        before = container.health
        container.health = _after(before, probe, check, in_start=time.time_ns() - began < check.start_period)
        if container.health.status != before.status:
            tell(f"health_status: {container.health.status}")


def _after(before: shapes.Health, probe: shapes.HealthProbe, check: shapes.Healthcheck, *,
           in_start: bool) -> shapes.Health:
    """The health after one more probe."""
    log = (*before.log, probe)[-KEPT:]
    if probe.exit_code == 0:
        return shapes.Health(status="healthy", failing_streak=0, log=log)
    if in_start and before.status == "starting":
        return replace(before, log=log)
    streak = before.failing_streak + 1
    status = "unhealthy" if streak >= (check.retries or RETRIES) else before.status
    return shapes.Health(status=status, failing_streak=streak, log=log)


@dataclass(slots=True)
class _Said:
    """The beginning of what a probe said."""

    kept: bytearray = field(default_factory=bytearray)
    more: bool = False

    def __call__(self, stream: int, data: bytes) -> None:
        self.more |= len(data) > LONGEST - len(self.kept)
        self.kept.extend(data[:LONGEST - len(self.kept)])

    @property
    def text(self) -> str:
        return self.kept.decode("utf-8", "replace") + "..." * self.more


async def _probe(container: Container, words: tuple[str, ...], timeout: float, tell: Tell) -> shapes.HealthProbe | None:
    """Run one probe, which is an exec to who listens; ``None`` when the container ended meanwhile."""
    run = container.run
    if run is None:
        return None
    said = _Said()

    start = time.time_ns()
    identifier = new_id()
    for action in ("exec_create", "exec_start"):
        tell(f"{action}: {words[0]} {' '.join(words[1:])}", execID=identifier)
    process: Process | None = None
    streams = Streams(said, tty=False, stdin=False)
    command = Command(exec_line(words), container.config.working_dir)
    try:
        process = await asyncio.to_thread(run.box.exec, command, streams.stdio)
        streams.started()
        code = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(process.ended)), timeout)
        await streams.ended()
        text = said.text
    except TimeoutError:
        if process is not None:  # else nobody ends it, and the next one comes on top
            with suppress(WcowError):
                await asyncio.to_thread(process.kill)
        text = f"Health check exceeded timeout ({duration_text(round(timeout * SECOND))})"
        code, text = -1, f"{text}: {said.text}" if said.text else text
    except WcowError as error:
        if run.ended.done():
            return None
        code, text = -1, start_fault(error, container.id, command.line)[0].message
    finally:
        streams.close()
    if process is not None:
        tell("exec_die", execID=identifier, exitCode=str(process.ended.result(0) if process.ended.done() else KILLED))
    return shapes.HealthProbe(start=moment_text(start), end=moment_text(time.time_ns()), exit_code=code, output=text)
