# SPDX-License-Identifier: Apache-2.0
"""Lines about what takes long before the first test can run: Wine's first prefix, a pull, a build.

They are shown at once, past pytest's capture; in a worker of xdist on its standard error, which is the terminal's too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest


def progress(config: pytest.Config) -> Callable[[str], None]:
    """Return a function that shows a line. With ``-q`` it shows nothing."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")

    def show(line: str) -> None:
        if config.option.verbose < 0:
            return
        if capture is not None:
            with capture.global_and_fixture_disabled():
                _write(terminal, line)
        else:
            _write(terminal, line)

    return show


def _write(terminal: pytest.TerminalReporter | None, line: str) -> None:
    if terminal is not None:
        terminal.ensure_newline()
        terminal.write_line(f"wcow: {line}")
    else:
        print(f"wcow: {line}", file=sys.stderr, flush=True)
