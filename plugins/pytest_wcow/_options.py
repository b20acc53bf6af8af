# SPDX-License-Identifier: Apache-2.0
"""The options of the plugin: command line before environment (the engine alone has a variable) before ini file."""

from __future__ import annotations

import os
from typing import Any

import pytest

NO_ENGINE = ("fail", "skip")
ARTIFACTS = ("off", "on", "retain-on-failure")
NO_INI = ("check", "timeline", "keep")
"""Options of one run, which an ini file does not have."""


#: Name, what argparse needs, and the sentence of --help. The ini file has each under its name with underscores.
_OPTIONS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("engine", {"action": "append", "metavar": "ADDRESS"},
     "The engine for containers: auto (a Windows engine of Docker's settings, else the embedded one), embedded, "
     "unix://PATH, npipe://PIPE, tcp://HOST:PORT, context://NAME of Docker, or a host: "
     "winrm://USER@HOST, ssh://USER@HOST, host://NAME of 'wcow host'. "
     "Repeat it for a pool over which xdist's workers spread. "
     "Also WCOW_ENGINE, separated by spaces."),
    ("missing", {"choices": NO_ENGINE, "metavar": "fail|skip"},
     "What tests do where there is no engine: fail (default), or skip."),
    ("image", {"metavar": "REFERENCE"},
     "The image of the nanoserver fixtures; default: a stand-in on the embedded engine, Microsoft's for the host's "
     "build elsewhere."),
    ("servercore-image", {"metavar": "REFERENCE"}, "The same for the servercore fixtures."),
    ("keep", {"action": "store_true"}, "Leave containers of failed tests as they are, and say how to enter them."),
    ("reuse", {"action": "store_true"},
     "Keep session containers from run to run, and take one that is there and of the same facts."),
    ("max-starts", {"type": int, "metavar": "N"},
     "Containers that start at a time from this machine; default: 1 on a Windows engine, the number of processors on "
     "the embedded one."),
    ("artifacts", {"choices": ARTIFACTS, "metavar": "on|off|retain-on-failure"},
     "Write logs, events and inspection of each container to files (default: off)."),
    ("artifacts-dir", {"metavar": "DIR"}, "Where those go (default: wcow-artifacts)."),
    ("durations", {"type": int, "metavar": "N"}, "Show the N slowest pulls, creations, starts, waits and removals."),
    ("timeline", {"metavar": "FILE.html"}, "Write a page that shows each container and worker over time."),
    ("check", {"action": "store_true"}, "Examine engines and images, say what is missing, and run no test."),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what stands under ``wcow`` in ``pytest --help``, and the same names to the ini file."""
    group = parser.getgroup("wcow", "Windows containers")
    for name, more, text in _OPTIONS:
        group.addoption(f"--wcow-{name}", dest=_key(name), default=None, help=text, **more)
        if name not in NO_INI:
            if name == "engine":
                parser.addini(_key(name), f"as --wcow-{name}", type="args", default=[])
            else:
                parser.addini(_key(name), f"as --wcow-{name}", default="")


def read_options(config: pytest.Config) -> dict[str, Any]:
    """What was asked for, under the names of :class:`._run.Options`. Raises pytest.UsageError for a value that has no
    meaning."""
    return {
        "engines": _engines(config), "missing": _one_of(config, "missing", NO_ENGINE), "image": _text(config, "image"),
        "servercore_image": _text(config, "servercore-image"), "keep": bool(config.getoption("wcow_keep")),
        "reuse": _text(config, "reuse") in ("True", "true", "1", "yes", "on"),
        "max_starts": _number(config, "max-starts"), "artifacts": _one_of(config, "artifacts", ARTIFACTS),
        "artifacts_dir": _text(config, "artifacts-dir") or "wcow-artifacts",
        "durations": _number(config, "durations"), "timeline": str(config.getoption("wcow_timeline") or ""),
        "check": bool(config.getoption("wcow_check"))}


def header(config: pytest.Config) -> str:
    """One line for the top of a run. No engine is asked for it."""
    options = read_options(config)
    facts = {"engine": ", ".join(options["engines"]), "image": options["image"] or "usual"}
    facts |= {name: "yes" for name in ("keep", "reuse") if options[name]}
    return "wcow: " + ", ".join(f"{name}={value}" for name, value in facts.items())


def _engines(config: pytest.Config) -> tuple[str, ...]:
    return tuple(config.getoption("wcow_engine") or os.environ.get("WCOW_ENGINE", "").split()
                 or config.getini("wcow_engine") or ["auto"])


def _key(name: str) -> str:
    return f"wcow_{name.replace('-', '_')}"


def _text(config: pytest.Config, name: str) -> str:
    said = config.getoption(_key(name))
    return str(config.getini(_key(name)) if said is None else said)


def _number(config: pytest.Config, name: str) -> int:
    text = _text(config, name)
    if text and not (text.isascii() and text.isdigit()):
        from imagebuild.errors import quoted

        raise pytest.UsageError(f"{_key(name)} is {quoted(text)}, and it has to be a number")
    return int(text or 0)


def _one_of(config: pytest.Config, name: str, values: tuple[str, ...]) -> str:
    """The value of an option that has only some; the first is the default."""
    value = _text(config, name) or values[0]
    if value not in values:
        from imagebuild.errors import quoted

        raise pytest.UsageError(f"{_key(name)} is {quoted(value)}, and it has to be one of {', '.join(values)}")
    return value
