# SPDX-License-Identifier: Apache-2.0
"""The hooks that a conftest.py or another plugin may implement. ``examples/pytest-plugin`` uses each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from imagebuild.compat import Report
    from imagebuild.containers import Container, Spec

    from ._engines.engine import Engine


@pytest.hookspec(firstresult=True)
def pytest_wcow_engine(config: pytest.Config, wanted: str) -> str | None:
    """Return the address of the engine for ``wanted`` (``auto``, ``embedded``, an address), or None for the usual one.

    It is asked once for each entry of --wcow-engine, in the process that needs an engine.
    """


@pytest.hookspec
def pytest_wcow_configure_container(spec: Spec, engine: Engine, request: pytest.FixtureRequest) -> Spec | None:
    """Return another spec for a container that is about to be created, or None to leave it.

    All implementations are asked, one after another, each with what the one before returned.
    """


@pytest.hookspec(firstresult=True)
def pytest_wcow_compat(report: Report, spec: Spec, engine: Engine) -> str | None:
    """Decide what becomes of a container whose image and host were compared, before it is created.

    Return ``run``, ``process`` or ``hyperv`` (start it, with that isolation), ``skip`` (the test, with the report's
    summary), or None for the usual decision.
    """


@pytest.hookspec
def pytest_wcow_container_started(container: Container, engine: Engine, request: pytest.FixtureRequest) -> None:
    """A container was started; its test, or the fixture that wants it, has not begun."""


@pytest.hookspec
def pytest_wcow_container_stopped(container: Container, engine: Engine, failed: bool) -> None:
    """A container is about to be removed; ``failed`` is whether a test that used it failed."""


@pytest.hookspec(firstresult=True)
def pytest_wcow_decode(data: bytes, container: Container) -> str | None:
    """Return the text of what a program of a container printed, or None for the usual way."""


@pytest.hookspec
def pytest_wcow_wait_strategies(spec: Spec, engine: Engine) -> Sequence[Any] | None:
    """Return what to wait for after the start of a container: strategies, texts of its log, ports, functions of it."""
