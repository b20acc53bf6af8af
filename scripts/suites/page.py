# SPDX-License-Identifier: Apache-2.0
"""The page ``docs/reference/suites.md``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from outcome import Outcome
from sources import SUITES

HERE = Path(__file__).parent

HEAD = """\
# Other people's tests

Made by `make suites`. The tests of three clients of the Docker API run against the embedded engine as their authors
wrote them, for a Linux engine. An adapter (`scripts/suites/`) stands between: images of the names that the tests ask
for, in which one small Windows program is `sh`, `cat`, `nginx` and the other commands that they start; and an exchange
of words (a container's path `/data` is `C:\\data`, the network `bridge` is `nat`, a bind mount has the propagation
`rprivate`). The tests run as root with root's engine, and as an ordinary user with that user's. A test that says
something about Linux alone is left out, with the reason below. A test that moby on Windows passes and the engine does
not is a failure, but for what the engine refuses and [says so](../guides/engine.md): that is counted as "refused
here". The bar is 98 % of what applies.

PowerShell's own tests (the command says what they need and where it comes from) run in containers, ten files to a
process. What fails in PowerShell for Linux, too, started in the same way, is left out. Their bars are 99.5 % for the
language and 97 % for the modules.

| suite | at | engine of | passed | failed | of what applies | refused here | left out | skipped by the suite |
|---|---|---|--:|--:|--:|--:|--:|--:|
"""


def page(outcomes: Iterable[Outcome], before: str = "") -> str:
    """The whole page. What ``before`` (the page as it was) says of suites that were not run stays."""
    found = list(outcomes)
    ran = {one.source.suite.name for one in found}
    rows = [(name, line) for name, line in _rows(before) if name not in ran]
    rows += [(one.source.suite.name, _row(one)) for one in found]
    sections = [(name, text) for name, text in _sections(before) if name not in ran]
    for one in found:
        sections.append((one.source.suite.name, "".join(_failures(one))))
    for name in dict.fromkeys(one.source.suite.name for one in found):
        mine = [one for one in found if one.source.suite.name == name]
        for title, left in (("left out", [row for one in mine for row in one.left_out]),
                            ("skipped by the suite itself", [row for one in mine for row in one.skipped])):
            sections.append((name, "".join(_grouped(f"{name}: {title}", dict.fromkeys(left)))))
    return HEAD + "".join(_in_order(rows)) + "".join(_in_order(sections))


def _row(one: Outcome) -> str:
    return (f"| [{one.source.suite.name}]({one.source.suite.url}) | `{one.source.state[:12]}` | {one.user} | "
            f"{len(one.passed)} | {len(one.failed)} | {one.percent:.1f} % | {one.refused} | "
            f"{len(one.left_out) - one.refused} | {len(one.skipped)} |\n")


def _rows(page: str) -> Iterator[tuple[str, str]]:
    """The rows of a page's table, with the suite of each."""
    for line in page.splitlines(keepends=True):
        if line.startswith("| ["):
            yield line[3:line.index("]")], line


def _sections(page: str) -> Iterator[tuple[str, str]]:
    """The sections of a page, with the suite of each."""
    for text in page.split("\n## ")[1:]:
        yield re.split(r"[ :]", text, maxsplit=1)[0], f"\n## {text.rstrip()}\n"


def _in_order(parts: list[tuple[str, str]]) -> Iterator[str]:
    """Parts of a page as the suites follow each other; of one suite they stay as they are."""
    names = [suite.name for suite in SUITES]
    yield from (text for _, text in sorted(parts, key=lambda part: names.index(part[0])))


def _failures(one: Outcome) -> Iterator[str]:
    """What failed, by its cause as far as ``causes.toml`` knows it."""
    rows = tomllib.loads((HERE / "causes.toml").read_text("utf-8")).get(one.source.suite.name, [])
    groups: dict[str, list[str]] = {}
    for name in one.failed:
        cause = next((row["cause"] for row in rows for pattern in row["tests"] if fnmatchcase(name, pattern)), "")
        groups.setdefault(cause, []).append(name)
    if groups:
        yield f"\n## {one.source.suite.name} ({one.user}): failed\n"
    for cause, names in groups.items():
        yield f"\n{cause}:\n\n" if cause else "\n"
        yield from (f"- `{_short(name)}`\n" for name in names)


def _grouped(title: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for name, reason in rows:
        groups.setdefault(" ".join(reason.split()), []).append(_short(name))
    if groups:
        yield f"\n## {title}\n"
    for reason, names in groups.items():
        yield f"\n{reason or 'expected to fail'}:\n\n"
        yield from (f"- `{name}`\n" for name in names)


def _short(name: str) -> str:
    """``tests.integration.api_volume_test.TestVolumes::test_x`` without the folders."""
    parts, _, test = name.partition("::")
    if "/" in parts:  # a file of PowerShell's
        return name
    return "::".join([*[part for part in parts.split(".") if part not in ("tests", "integration", "core")], test])
