# SPDX-License-Identifier: Apache-2.0
"""The page ``docs/reference/programs.md``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from support.what_runs.outcome import Outcome
from support.what_runs.table import Program
from support.what_runs.ways import NAMES

HEAD = """\
# What runs

Made by `make programs`: programs that were built for Windows, by their own makers or a cross-compiler, each started in
a container of [the embedded engine](../guides/engine.md) in a stand-in nanoserver. Each way of starting has its column:

| column | is | asked for |
|---|---|---|
| no terminal | `docker run` | what it writes, its exit code |
| pipes | `docker run -i`, its input from a pipe | that it reads all, what it writes, its children, its exit code |
| terminal | `docker run -it`, keys typed | what the screen shows, its exit code |
| server | `docker run -d -p`, asked over HTTP, then `docker stop` | its answer, an end without being killed |
| killed | `docker kill` while it runs | its end, with 1067 as on Windows |

"""


@dataclass(frozen=True, slots=True)
class Row:
    """A program and what became of each start; ``missing`` says why it could not be had."""

    program: Program
    outcomes: tuple[Outcome, ...]
    missing: str = ""

    def line(self) -> str:
        """A line for the terminal."""
        if self.missing:
            return f"{self.program.name} ({self.program.kind}): left out: {self.missing.splitlines()[0]}"
        said = [f"{one.what} {'runs' if one.ran else 'DOES NOT RUN'}" for one in self.outcomes]
        return f"{self.program.name} ({self.program.kind}): {', '.join(said)}"

    def surprises(self) -> Iterator[str]:
        """What is otherwise than the table says."""
        for one in self.outcomes:
            if not one.ran and one.what not in self.program.stops:
                yield f"{self.program.name}, {one.what}: {one.said}\n    {one.command}"
            elif one.ran and one.what in self.program.stops:
                yield f"{self.program.name}, {one.what}: runs; the table still says what stops it"


def page(rows: Iterable[Row]) -> str:
    """The whole page."""
    found = list(rows)
    starts = [row for row in found if not row.program.steps or len(row.program.ways) > 1]
    builds = [row for row in found if row.program.steps]
    return "".join((HEAD, *_starts(starts), *_builds(builds), *_stopped(found), *_commands(found), *_missing(found)))


def _starts(rows: list[Row]) -> Iterator[str]:
    yield "## Programs\n\n"
    yield f"| program | made with | from | {' | '.join(NAMES)} |\n"
    yield f"|---|---|---|{'---|' * len(NAMES)}\n"
    for row in rows:
        if row.missing:
            continue
        became = [[one.ran for one in row.outcomes if one.what == name] for name in NAMES]
        cells = " | ".join("" if not each else "runs" if all(each) else "**no**" for each in became)
        yield f"| {row.program.name} | {row.program.kind} | {_from(row.program)} | {cells} |\n"


def _builds(rows: list[Row]) -> Iterator[str]:
    yield "\n## Whole builds\n\nOne command after the other by `docker exec` in one container.\n\n"
    yield "| build | with | from | steps |\n|---|---|---|---|\n"
    for row in rows:
        if row.missing:
            continue
        steps = ", ".join(f"{one.what} {'runs' if one.ran else '**no**'}" for one in row.outcomes
                          if one.what not in NAMES or len(row.program.ways) == 1)
        yield f"| {row.program.name} | {row.program.kind} | {_from(row.program)} | {steps} |\n"


def _stopped(rows: list[Row]) -> Iterator[str]:
    stopped = [(row, one) for row in rows for one in row.outcomes if not one.ran]
    if stopped:
        yield "\n## What does not run\n\n| program | way | the first thing that stops it |\n|---|---|---|\n"
    for row, one in stopped:
        why = row.program.stops.get(one.what) or f"not found out; {one.said}"
        yield f"| {row.program.name} ({row.program.kind}) | {one.what} | {why.replace('|', chr(92) + '|')} |\n"


def _commands(rows: list[Row]) -> Iterator[str]:
    yield "\n## How they were started\n"
    for row in rows:
        if row.outcomes:
            yield f"\n{row.program.name} ({row.program.kind}):\n\n```text\n"
            yield from (f"{one.what}: {one.command}\n" for one in row.outcomes)
            yield "```\n"


def _missing(rows: list[Row]) -> Iterator[str]:
    left_out = [row for row in rows if row.missing]
    if left_out:
        yield "\n## Left out in this run\n\n"
    for row in left_out:
        yield f"- {row.program.name} ({row.program.kind}): {row.missing.splitlines()[0]}\n"


def _from(program: Program) -> str:
    return "<br>".join(dict.fromkeys(source.words() for source in program.sources.values()))
