# SPDX-License-Identifier: Apache-2.0
"""The page ``docs/run.md``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from draw import SEED, Row
from support.real_dockerfiles.attempt import Outcome
from support.real_dockerfiles.table import Table

BAR = 64
"""Of eighty."""
HEAD = """\
# Real Dockerfiles

<!-- Written by scripts/corpus (make corpus); do not edit. -->

Dockerfiles of public projects, built by `wcow build`, each `RUN` by [the embedded engine](guides/engine.md): real
PowerShell, Wine's cmd and the programs of the image. They are drawn with a fixed seed ({seed}) from an index of {all}
Dockerfiles that need no Windows feature, installer or compiler: no `RUN` at all, or what a shell and PowerShell do.
Their bases cannot be had here, so each stands on a [stand-in](guides/bases.md#stand-ins-for-microsofts-bases) with the
config of the real one; contexts and downloads are made up: an archive holds what its makers' archives hold, a program
says its name. All this is one table with its sources, `tests/support/real_dockerfiles/table.toml`.

- A digest that a Dockerfile pins cannot be a made-up file's: as written the `RUN` fails, as it should, and then once
  more with the digest of the made-up file in its place.
- The engine is of the newest Windows that a base has (`wcow engine start --windows-build`): as on Windows, an engine
  takes no image of a newer Windows than its own.
- A stage of Linux with a `RUN` needs an ordinary Linux builder: a folder is handed in for it (`--build-context`).
- What a build needs and the table does not have counts as stopped.

"""


def page(found: Sequence[tuple[Row, Outcome]], missing: Sequence[Row], everything: int, table: Table) -> str:
    """The whole page."""
    built = [one for one in found if one[1].built]
    text = HEAD.format(seed=SEED, all=everything)
    text += (f"**{len(built)} of {len(found)} build**; the bar is {BAR} of 80. {_counted(built)}\n\n"
             "| tier | is | drawn | build |\n|---|---|--:|--:|\n")
    for tier, meaning in (("T0", "no `RUN` in a stage of Windows"), ("T1", "plain commands"),
                          ("T1+", "PowerShell as a language, probes, `tar`, `curl`")):
        mine = [outcome for row, outcome in found if row.tier == tier]
        text += f"| {tier} | {meaning} | {len(mine)} | {sum(one.built for one in mine)} |\n"
    stopped = [(row, outcome, cause_of(outcome, table)) for row, outcome in found if not outcome.built]
    if stopped:
        text += "\n## What stops the rest\n\n| cause | Dockerfiles |\n|---|--:|\n"
        counts = Counter(cause for _, _, cause in stopped)
        text += "".join(f"| {_cell(cause)} | {count} |\n" for cause, count in counts.most_common())
        text += "\n| Dockerfile | the first thing that stops it |\n|---|---|\n"
        text += "".join(f"| `{row.name}` | {_cell(error_line(outcome.said))} |\n" for row, outcome, _ in stopped)
    text += "\n## Which\n\n| Dockerfile | at | tier | RUNs | |\n|---|---|---|--:|---|\n"
    text += "".join(f"| `{row.name}` | `{row.commit[:12]}` | {row.tier} | {row.runs} | {_result(outcome)} |\n"
                    for row, outcome in found)
    return text + "".join(_missing(missing))


def cause_of(outcome: Outcome, table: Table) -> str:
    """The cause that the table knows, else the error itself."""
    return table.cause(outcome.said) or f"not looked into: {error_line(outcome.said)}"


def error_line(said: str) -> str:
    """The line that says what failed, without this machine's paths."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    at = next((number for number, line in enumerate(lines) if line.startswith("error:")), len(lines) - 1)
    text = " ".join(lines[max(0, at):at + 2]) if lines else ""
    if "the command ended with" in text and at:
        text += f", after: {lines[at - 1]}"
    return re.sub(r"/\S*/(?=Dockerfile\b)", "", text.removeprefix("error: "))[:300]


def _counted(built: Sequence[tuple[Row, Outcome]]) -> str:
    swapped = sum(bool(outcome.replaced) for _, outcome in built)
    linux = sum(bool(outcome.handed_in) for _, outcome in built)
    return (f"Of these {sum(row.tier != 'T0' for row, _ in built)} have a `RUN` that was executed, {swapped} build "
            f"with digests replaced, {linux} with a stage of Linux handed in.")


def _result(outcome: Outcome) -> str:
    if not outcome.built:
        return "**stopped**"
    more = [f"{outcome.replaced} digest{'s' * (outcome.replaced != 1)} replaced"] * bool(outcome.replaced)
    more += [f"{outcome.handed_in} Linux stage{'s' * (outcome.handed_in != 1)} handed in"] * bool(outcome.handed_in)
    return ", ".join(("builds", *more))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _missing(missing: Sequence[Row]) -> Iterator[str]:
    if missing:
        yield "\n## Drawn, and not to be had\n\nThe draw went on to the next.\n\n"
    for row in missing:
        yield f"- `{row.name}` at `{row.commit[:12]}`\n"
