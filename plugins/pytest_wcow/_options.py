# SPDX-License-Identifier: Apache-2.0
"""The options of the plugin: command line before environment (the engine alone has a variable) before ini."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

NO_ENGINE = ("fail", "skip")


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for. ``engines`` are addresses, or ``auto`` or ``embedded``; ``missing`` says what tests do where
    there is none; ``images`` are references by the name of the base that they stand for."""

    engines: tuple[str, ...]
    missing: str
    image: str


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what stands under ``wcow`` in ``pytest --help``."""
    group = parser.getgroup("wcow", "Windows containers")
    group.addoption("--wcow-engine", action="append", metavar="ADDRESS",
                    help="The engine for containers: auto (default), embedded, unix://PATH, npipe://PIPE, "
                         "tcp://HOST:PORT. Also WCOW_ENGINE, and wcow_engine in the ini file.")
    group.addoption("--wcow-missing", choices=NO_ENGINE, metavar="fail|skip",
                    help="What tests do where there is no engine; also wcow_missing in the ini file.")
    group.addoption("--wcow-image", metavar="REFERENCE",
                    help="The image of nanoserver, instead of a stand-in on the embedded engine and Microsoft's of the "
                         "host's build elsewhere; also wcow_image in the ini file.")
    parser.addini("wcow_engine", "the engine for containers, as --wcow-engine", type="args", default=[])
    parser.addini("wcow_missing", "what tests do where there is no engine: fail or skip", default="")
    parser.addini("wcow_image", "the image of nanoserver", default="")


def options_of(config: pytest.Config) -> Options:
    """What was asked for. Raises pytest.UsageError for a value that has no meaning."""
    engines = config.getoption("wcow_engine") or os.environ.get("WCOW_ENGINE", "").split() \
        or config.getini("wcow_engine") or ["auto"]
    return Options(tuple(engines), _one_of(config, "missing", NO_ENGINE), _text(config, "image"))


def _text(config: pytest.Config, name: str) -> str:
    return str(config.getoption(f"wcow_{name}") or config.getini(f"wcow_{name}") or "")


def _one_of(config: pytest.Config, name: str, values: tuple[str, ...]) -> str:
    """The value of an option that has only some; the first is the default."""
    value = _text(config, name) or values[0]
    if value not in values:
        raise pytest.UsageError(f"wcow_{name} is {value!r}, and it has to be one of {', '.join(values)}")
    return value
