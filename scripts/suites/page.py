# SPDX-License-Identifier: Apache-2.0
"""The page ``docs/reference/suites.md``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from outcome import Outcome

HEAD = """\
# Other people's tests

Made by `make suites`. The tests of three clients of the Docker API run against the embedded engine as their authors
wrote them, for a Linux engine. An adapter (`scripts/suites/`) stands between: images of the names that the tests ask
for, in which one small Windows program is `sh`, `cat`, `nginx` and the other commands that they start; and an exchange
of words (a container's path `/data` is `C:\\data`, the network `bridge` is `nat`, a bind mount has the propagation
`rprivate`). A test that says something about Linux alone is left out, with the reason below. A test that moby on
Windows passes and the engine does not is a failure. The bar is {bar:g} % of what applies.

| suite | at | engine of | passed | failed | of what applies | left out | skipped by the suite |
|---|---|---|--:|--:|--:|--:|--:|
"""


def page(outcomes: Iterable[Outcome], bar: float) -> str:
    """The whole page."""
    found = list(outcomes)
    text = HEAD.format(bar=bar)
    for one in found:
        text += (f"| [{one.source.suite.name}]({one.source.suite.url}) | `{one.source.state[:12]}` | {one.user} | "
                 f"{len(one.passed)} | {len(one.failed)} | {one.percent:.1f} % | {len(one.left_out)} | "
                 f"{len(one.skipped)} |\n")
    done: set[str] = set()
    for one in found:
        text += "".join(_failures(one))
    for one in found:
        if one.source.suite.name not in done:
            done.add(one.source.suite.name)
            text += "".join(_grouped(f"{one.source.suite.name}: left out", one.left_out))
            text += "".join(_grouped(f"{one.source.suite.name}: skipped by the suite itself", one.skipped))
    return text


def _failures(one: Outcome) -> Iterator[str]:
    if one.failed:
        yield f"\n## {one.source.suite.name} ({one.user}): failed\n\n"
        yield from (f"- `{_short(name)}`\n" for name in one.failed)


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
    return "::".join([*[part for part in parts.split(".") if part not in ("tests", "integration", "core")], test])
