# SPDX-License-Identifier: Apache-2.0
"""The hooks of pytest that this plugin implements; each does little and loads what it needs when it needs it."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest

from ._markers import MARKERS, NAMES, apply_markers
from ._options import header, read_options
from ._state import found_run, run_of


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add our own hooks."""
    from . import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Register markers, and read the options, so that a wrong one is told before any test."""
    for line in MARKERS:
        config.addinivalue_line("markers", line)
    read_options(config)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Examine engines and images instead of running tests, where --wcow-check asks for it."""
    if not config.option.wcow_check:
        return None
    from ._engines.check import check

    return check(config)


def pytest_report_header(config: pytest.Config) -> str:
    """One line, without asking an engine."""
    return header(config)


def pytest_make_parametrize_id(val: object) -> str | None:
    """A container's facts as a parameter are shown as they are as a text: image and what was asked for."""
    kind = type(val)
    return str(val) if (kind.__name__, kind.__module__) == ("Spec", "imagebuild.containers.spec") else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what its markers skip."""
    if any(mark.name in NAMES for mark in item.iter_markers()):
        apply_markers(item, run_of(item.config))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """Add logs, properties and remedies before the report is made."""
    run = found_run(item.config)
    if run is not None and run.engine is not None:
        from ._report.report import report_phase

        report_phase(item, call, run)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note how long a test takes that uses containers."""
    run = found_run(item.config)
    if run is None or run.engine is None:
        return (yield)
    with run.span("test", item.nodeid, item.nodeid):
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove what is still there, and tell the controller of xdist what this worker did."""
    run = run_of(session.config) if session.config.option.wcow_timeline else found_run(session.config)
    if run is None:
        return
    if run.engine is not None:
        from ._engines.session import close_engine

        close_engine(run)
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["wcow"] = json.dumps(run.told())
        return
    if run.controls:
        from ._resources.share import end_shared

        end_shared(run)
    if run.options.timeline:
        from ._report.timeline import write_timeline

        write_timeline(run)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Note that this process controls workers of xdist, and so has to remove what they shared."""
    run_of(node.config).controls = True


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take what a worker of xdist tells at its end."""
    told = getattr(node, "workeroutput", {}).get("wcow")
    if told:
        run_of(node.config).take(json.loads(told))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell what is left and what took longest."""
    run = found_run(config)
    if run is not None and (run.leftovers or run.swept or run.spans):
        from ._report.report import summary

        summary(terminalreporter, run)
