# SPDX-License-Identifier: Apache-2.0
"""The embedded engine of this machine: the one that runs, else one that is started behind."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

Say = Callable[[str], None]

IDLE_SECONDS = 600.0
"""An engine that this plugin started ends when nothing ran in it, and no client was connected, for so long."""


def ensure_embedded(say: Say) -> str:
    """Return the address of the engine that runs in the user's place, and start one where none runs; ``say`` gets lines
    of progress. Raises a WcowError with what is missing where it cannot."""
    from imagebuild.errors import ToolError, UnsupportedError

    try:
        from imagebuild.engine import ensure
    except ImportError:
        raise UnsupportedError("there is no engine for Windows containers",
                               why="the embedded engine runs on Linux only",
                               hint="--wcow-engine names one on a Windows host") from None
    try:
        return ensure(idle=IDLE_SECONDS, say=say).host
    except ToolError as error:
        missing = missing_packages()
        if not missing:
            raise
        raise ToolError(error.what, program="wcow engine", why=f"not installed: {', '.join(missing)}",
                        hint=apt_line(missing)) from error


def apt_line(missing: tuple[str, ...]) -> str:
    """The command that installs packages."""
    return f"sudo apt-get install -y {' '.join(missing)}"


def missing_packages() -> tuple[str, ...]:
    """The Debian packages that the embedded engine needs and this machine lacks."""
    from imagebuild.engine import engine_place
    from imagebuild.runtime import WineSandbox

    missing: tuple[str, ...] = ()
    with suppress(OSError):
        sandbox = WineSandbox(engine_place().root / "sandbox")
        try:
            missing = tuple(sandbox.facts().missing)
        finally:
            sandbox.close()
    return missing
