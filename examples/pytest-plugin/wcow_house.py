# SPDX-License-Identifier: Apache-2.0
"""What a team wants of every Windows container of its tests, by the hooks of ``pytest_wcow``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from imagebuild.compat import Report
from imagebuild.containers import Container, Spec

PROXY = "http://proxy.house.invalid:3128"
LATIN = b"\x0fLATIN1 "
STARTED = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STARTED] = Counter()


def pytest_wcow_engine(config: pytest.Config, wanted: str) -> str | None:
    """The team's own variable names the engine, unless the command line does."""
    return os.environ.get("HOUSE_ENGINE") if wanted == "auto" else None


def pytest_wcow_configure_container(spec: Spec, engine: Any, request: pytest.FixtureRequest) -> Spec | None:
    """Give every container the proxy, beside the variables that it has."""
    return spec.with_facts(environ={"HTTPS_PROXY": PROXY, **dict(spec.environ)})


def pytest_wcow_compat(report: Report, spec: Spec, engine: Any) -> str | None:
    """Try what is not known to fail; the usual decision stands for all else."""
    return None if report.runs == "no" else "run"


def pytest_wcow_container_started(container: Container, engine: Any, request: pytest.FixtureRequest) -> None:
    """Count the starts of each image."""
    request.config.stash[STARTED][container.spec.image] += 1


def pytest_wcow_container_stopped(container: Container, engine: Any, failed: bool) -> None:
    """Print the log of a container whose test failed; pytest shows it with the teardown."""
    if failed:
        print(f"the last words of {container.name}:\n{container.logs(tail=20)}")


def pytest_wcow_decode(data: bytes, container: Container) -> str | None:
    """Read what the old tools print: a mark, then Latin-1."""
    return data.removeprefix(LATIN).decode("latin-1").replace("\r\n", "\n") if data.startswith(LATIN) else None


def pytest_wcow_wait_strategies(spec: Spec, engine: Any) -> Sequence[Any] | None:
    """Wait until programs can be started in it."""
    return [takes_programs]


def takes_programs(container: Container) -> bool:
    return container.cmd("exit 0", timeout=30).ok


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for image, count in config.stash[STARTED].items():
        terminalreporter.write_line(f"started {count} x {image}")
