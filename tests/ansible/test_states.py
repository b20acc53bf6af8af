# SPDX-License-Identifier: Apache-2.0
"""Every module and state through Ansible's own connections on hosts of four builds: the first run changes, the second
does not, and a check tells the same change and diff before.

Each is played by one connection on one build; ``WCOW_TEST_STATES=all`` plays all by all on all, which takes hours.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]
from support import ansible_hosts, programs, windows_programs
from support.ansible_states import BUILDS, CONNECTIONS, ROWS, Row, cases
from support.workbench import Workbench, fill

MODULES = ansible_hosts.REPOSITORY / "plugins/modules"
CASES = cases(every=os.environ.get("WCOW_TEST_STATES") == "all")


@dataclass(frozen=True, slots=True)
class Place:
    """A host, and the values of the rows' variables."""

    host: ansible_hosts.Host
    values: dict[str, Any]

    def play(self, connection: str, row: Row) -> ansible_hosts.Played:
        if row.document is not None:
            self.host.state(**row.document)
        return self.host.controller(connection).play(
            *row.tasks, vars={**self.values, "run": f"{self.values['build']}-{connection}"})


@contextmanager
def place(build: int, work: Path, registry: str) -> Iterator[Place]:
    """Start a host of a build."""
    bench = Workbench(work / "bench")
    bench.base("nanoserver", "base:1", os_version=f"10.0.{build}.1")
    fill(work / "context", {"Dockerfile": "FROM base:1\nCOPY app.txt /app/\n", "app.txt": f"hello {build}"})
    bench.build(work / "context", tag="row:1")
    bench.copy("row:1", f"docker-archive:{work / 'row.tar'}:row:1")
    with (programs.skipping(),
          ansible_hosts.host("--build", str(build), docker=windows_programs.docker() / "docker.exe") as host):
        values = {"image": "nanoserver", "work": str(work), "registry": registry, "build": build}
        for number, version in (("", "28.4.0"), ("2", "28.5.1")):
            source, checksum = host.archive(version)
            values |= {f"source{number}": source, f"checksum{number}": checksum}
        yield Place(host, values)


@pytest.fixture(scope="module")
def place_of(tmp_path_factory: pytest.TempPathFactory, registry: programs.Registry) -> Iterator[Callable[[int], Place]]:
    """What starts a host of a build, unless it runs; the one before it is removed."""
    with ExitStack() as running:
        found: dict[int, Place] = {}

        def start(build: int) -> Place:
            if build not in found:
                running.close()
                found.clear()
                found[build] = running.enter_context(place(build, tmp_path_factory.mktemp("work"), registry.host))
            return found[build]

        yield start


@pytest.mark.slow
@pytest.mark.parametrize(("build", "connection", "row"), [
    pytest.param(*one, id=f"{one[0]} {one[1]} {one[2].name}") for one in sorted(CASES, key=lambda case: case[0])])
def test_a_state_is_told_is_reached_and_stays(place_of: Callable[[int], Place], build: int, connection: str, row: Row
                                              ) -> None:
    row.hold(place_of(build).play(connection, row).outcomes)


def test_each_state_of_each_module_has_a_row() -> None:
    wanted = set()
    for path in MODULES.glob("*.*"):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            documented = yaml.safe_load(text.partition('DOCUMENTATION = r"""')[2].partition('"""')[0])
        elif path.suffix == ".yml":
            documented = yaml.safe_load(text)["DOCUMENTATION"]
        else:
            continue
        wanted |= {(path.stem, one) for one in documented.get("options", {}).get("state", {}).get("choices", [""])}
    found = {(row.module, row.state.partition(",")[0]) for row in ROWS}
    assert wanted - found == set()
    assert {(module, state) for module, state in found - wanted if state} == set()
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_each_connection_and_each_build_meets_many_modules() -> None:
    turn = cases()
    assert [row for _build, _connection, row in turn] == list(ROWS)
    for kind, every in ((0, BUILDS), (1, CONNECTIONS)):
        met = {one: {row.module for case in turn if case[kind] == one for row in (case[2],)} for one in every}
        assert all(len(modules) >= 10 for modules in met.values()), met
    assert {(build, connection) for build, connection, _row in turn} == {
        (build, connection) for build in BUILDS for connection in CONNECTIONS}
