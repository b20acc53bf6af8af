# SPDX-License-Identifier: Apache-2.0
"""Events become lines for people, a live display on a terminal, JSON lines for programs, or nothing."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any, Literal, Protocol

from ..events import Advance, Event, Finish, Output, Result, Step, Warn

Style = Literal["auto", "plain", "tty", "json", "quiet"]


class Renderer(Protocol):
    """Shows events as they come."""

    def show(self, event: Event) -> None:
        """One event."""

    def close(self) -> None:
        """The operation is over, well or badly: leave the terminal as it was."""


def follow(events: Iterator[Event], style: Style = "auto") -> Any:
    """Run an operation to its end, showing its events on standard error, and return what it made."""
    renderer = choose(style)
    value: Any = None
    try:
        for event in events:
            if isinstance(event, Result):
                value = event.value
            renderer.show(event)
    finally:
        renderer.close()
    return value


def choose(style: Style) -> Renderer:
    """The renderer for a style; ``auto`` is the live display on a terminal and plain lines elsewhere."""
    if style == "quiet":
        return Quiet()
    if style == "json":
        return JsonLines()
    if style == "tty" or (style == "auto" and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"):
        return Live()
    return Plain()


class Quiet:
    """Shows warnings only."""

    def show(self, event: Event) -> None:
        if isinstance(event, Warn):
            print(warning_line(event), file=sys.stderr)

    def close(self) -> None:
        pass


class Plain:
    """A line when a step begins that takes time, a line when it ends; no cursor movement. The end of a step that is
    not the one begun last (several run side by side) names it."""

    def __init__(self) -> None:
        self._steps: dict[str, tuple[Step, float]] = {}
        self._latest = ""

    def show(self, event: Event) -> None:
        if isinstance(event, Step):
            self._steps[event.id] = (event, time.monotonic())
            self._latest = event.id
            size = f" ({human(event.total)})" if event.total else ""
            self._line(f"{event.text}{size}")
        elif isinstance(event, Finish):
            step, began = self._steps.pop(event.id, (None, 0.0))
            if step is not None:
                took = time.monotonic() - began
                if event.note or took >= 0.5:
                    lead = "  " if self._latest == event.id else f"  {step.text}: "
                    self._line(lead + (event.note or f"done {took:.1f}s"))
        elif isinstance(event, Output):
            for line in event.text.splitlines():
                self._line(f"  {line}")
        elif isinstance(event, Warn):
            self._line(warning_line(event))

    def close(self) -> None:
        sys.stderr.flush()

    def _line(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class JsonLines:
    """One JSON object a line: ``{"event": "step", …}``."""

    def show(self, event: Event) -> None:
        if isinstance(event, Step):
            record: dict[str, Any] = {"event": "step", "id": event.id, "text": event.text, "total": event.total}
        elif isinstance(event, Advance):
            record = {"event": "advance", "id": event.id, "done": event.done}
        elif isinstance(event, Finish):
            record = {"event": "finish", "id": event.id, "note": event.note}
        elif isinstance(event, Output):
            record = {"event": "output", "id": event.id, "text": event.text, "stream": "stderr" if event.error else
                      "stdout"}
        elif isinstance(event, Warn):
            record = {"event": "warning", "text": event.text, "where": event.where, "code": event.code}
        else:
            record = {"event": "result", **event.facts}
        print(json.dumps(record, ensure_ascii=True), file=sys.stderr, flush=True)

    def close(self) -> None:
        pass


class Live:
    """Bars for what is going on, lines for what is over."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._console = Console(stderr=True, highlight=False)
        text = TextColumn("{task.description}", markup=False)
        self._progress = Progress(SpinnerColumn(), text, BarColumn(bar_width=24), DownloadColumn(binary_units=True),
                                  TimeElapsedColumn(), console=self._console, transient=True)
        self._tasks: dict[str, tuple[Any, Step, float]] = {}
        self._progress.start()

    def show(self, event: Event) -> None:
        if isinstance(event, Step):
            task = self._progress.add_task(event.text, total=event.total)
            self._tasks[event.id] = (task, event, time.monotonic())
        elif isinstance(event, Advance):
            if event.id in self._tasks:
                self._progress.update(self._tasks[event.id][0], completed=event.done)
        elif isinstance(event, Finish):
            if event.id in self._tasks:
                task, step, began = self._tasks.pop(event.id)
                self._progress.remove_task(task)
                note = event.note or f"{time.monotonic() - began:.1f}s"
                self._console.print(f"{step.text}  [dim]{note}[/dim]" if "[" not in step.text + note
                                    else f"{step.text}  {note}", markup="[" not in step.text + note)
        elif isinstance(event, Output):
            self._console.print(event.text.rstrip("\n"), markup=False)
        elif isinstance(event, Warn):
            self._console.print(warning_line(event), style="yellow", markup=False)

    def close(self) -> None:
        self._progress.stop()


def warning_line(event: Warn) -> str:
    """``warning: Dockerfile:3: …``"""
    return "warning: " + (f"{event.where}: " if event.where else "") + event.text


def human(size: int | None) -> str:
    """Bytes for people: ``1.4 MB``; powers of ten, as docker prints them."""
    if size is None:
        return ""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{size} B" if units[0] == "B" else f"{value:.3g} {units[0]}"
