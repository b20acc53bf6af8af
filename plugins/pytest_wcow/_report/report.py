# SPDX-License-Identifier: Apache-2.0
"""What a run tells: logs of containers with a failed test, properties of each test, and at the end what is left."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from .trouble import without_ours

if TYPE_CHECKING:
    from imagebuild.containers import Container

    from .._run import Made, Run

LOG_LINES = 200
SCREEN_LINES = 25
SHOWN = 10
QUIET = frozenset(("GraphDriver", "LogConfig", "ConsoleSize", "SandboxID", "EndpointID", "NetworkID"))
"""Parts of an inspection that are the same for all containers, or numbers of the engine's own."""
EMPTY: tuple[Any, ...] = (None, "", 0, False, [], {}, "0001-01-01T00:00:00Z")


def report_phase(item: pytest.Item, call: pytest.CallInfo[Any], run: Run) -> None:
    """Note a phase of a test before its report is made, so that terminal, JUnit and HTML have all of it."""
    if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
        without_ours(call.excinfo)
        for made in used_by(item, run):
            made.failed = True
            add_sections(item, call.when or "call", made)
    if call.when == "setup":
        for made in used_by(item, run):
            item.user_properties += properties_of(made, run)


def used_by(item: pytest.Item, run: Run) -> list[Made]:
    """The containers that a test uses: its own, and those of fixtures of a wider scope, also where another fixture
    hands them on as part of something else."""
    given = {id(one) for one in getattr(item, "funcargs", {}).values()}
    around = {(node.nodeid, name) for node in item.listchain() for name in getattr(item, "fixturenames", ())}
    return [made for made in run.made.values()
            if made.test == item.nodeid or id(made.container) in given or (made.test, made.fixture) in around]


def add_sections(item: pytest.Item, when: str, made: Made) -> None:
    """Attach a container's log and its end, its events and what the engine knows of it. Their names begin with
    ``stdout``: JUnit takes no others."""
    box = made.container
    with suppress(Exception):  # the engine may be what failed
        state = box.inspect().state
        what = "runs" if state.running else f"ended with {state.exit_code}"
        said = box.logs(tail=LOG_LINES)
        title = f"stdout {str(box.spec).partition(':')[0]}[{box.name}]"
        item.add_report_section(when, title, f"(container {box.id[:12]} of {box.spec.image} {what})\n{said}")
        _last_screen(item, when, box, title)
        item.add_report_section(when, f"{title} events", "\n".join(_event_lines(made)))
        item.add_report_section(when, f"{title} inspect", "\n".join(_inspect_lines(made)))


def _event_lines(made: Made) -> Iterator[str]:
    """What happened to a container, a line each: when, what, and how it ended."""
    from .artifacts import events

    for one in events(made):
        about = {name: text for name, text in one.get("Actor", {}).get("Attributes", {}).items()
                 if name in ("exitCode", "signal", "execID")}
        said = " ".join((str(one.get("Action", "")), *(f"{name}={text[:12]}" for name, text in about.items())))
        nanoseconds = int(one.get("timeNano") or 0)
        clock = time.strftime("%H:%M:%S", time.localtime(nanoseconds // 10**9))
        yield f"{clock}.{nanoseconds // 10**6 % 1000:03} {said}"


def _inspect_lines(made: Made) -> Iterator[str]:
    """What the engine knows of a container, a line for each part; what is empty or our own is left out."""
    from .artifacts import inspected

    for name, value in inspected(made).items():
        found = _said(value)
        if found not in EMPTY and name not in QUIET:
            yield f"{name}: {found if isinstance(found, str) else json.dumps(found)}"


def _said(value: Any) -> Any:
    """A document without what says nothing."""
    if isinstance(value, dict):
        found = {name: _said(one) for name, one in value.items()
                 if name not in QUIET and not str(name).startswith("io.wcow.")}
        return {name: one for name, one in found.items() if one not in EMPTY}
    return [_said(one) for one in value] if isinstance(value, list) else value


def _last_screen(item: pytest.Item, when: str, box: Container, title: str) -> None:
    if box.spec.tty:
        item.add_report_section(when, f"{title} screen", "\n".join(box.logs().splitlines()[-SCREEN_LINES:]))


def properties_of(made: Made, run: Run) -> list[tuple[str, object]]:
    """What JUnit's properties say of a container."""
    return [("wcow_engine", run.engine.address if run.engine else ""), ("wcow_image", made.container.spec.image),
            ("wcow_image_id", made.image.get("Id", "")), ("wcow_os_version", made.image.get("OsVersion", "")),
            ("wcow_isolation", made.container.spec.isolation or "default"),
            ("wcow_start_seconds", f"{made.seconds:.3f}")]


def summary(terminal: pytest.TerminalReporter, run: Run) -> None:
    """What is left, what was swept, and on request what took longest."""
    if run.leftovers:
        terminal.section("wcow: what is left")
        for line in _short(run.leftovers):
            terminal.write_line(line)
        terminal.write_line("'wcow sweep' removes what runs left that are over.")
    if run.swept and terminal.verbosity >= 0:
        terminal.section("wcow: removed what earlier runs left")
        for line in _short(run.swept):
            terminal.write_line(line)
    if run.options.durations and run.spans:
        terminal.section(f"wcow: slowest {run.options.durations}")
        for one in sorted(run.spans, key=lambda span: span.begin - span.end)[:run.options.durations]:
            what = f"{one.what} {one.name}" + (f" of {one.test}" if one.test else "")
            terminal.write_line(f"{one.end - one.begin:8.2f} s {what}" + (" (failed)" if one.failed else ""))


def _short(lines: list[str]) -> Iterator[str]:
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"... and {len(lines) - SHOWN} more"
