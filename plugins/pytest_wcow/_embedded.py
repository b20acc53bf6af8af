# SPDX-License-Identifier: Apache-2.0
"""The embedded engine of this machine: the one that runs, else one that is started behind."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

SECONDS = 300.0
"""The first engine of a machine makes Wine's prefix."""


def ensure_embedded() -> str:
    """The address of the engine that runs in the user's place; starts one where none runs. Raises a WcowError with what
    is missing where it cannot."""
    from imagebuild.cli.engine import engine_place
    from imagebuild.engine.serve import running
    from imagebuild.errors import ToolError
    from imagebuild.files.lock import locked

    root, socket = engine_place(None, None)
    found = running(root)
    if found is not None and found.pid and found.socket.exists():
        return f"unix://{found.socket}"
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(root / "ensure.lock", SECONDS):
        end = time.monotonic() + SECONDS
        while (found := running(root)) is not None and time.monotonic() < end:
            if found.pid and found.socket.exists():
                return f"unix://{found.socket}"
            time.sleep(0.05)
        done = subprocess.run([sys.executable, "-m", "imagebuild", "engine", "start", "--root", str(root), "--socket",
                               str(socket)], capture_output=True, text=True, check=False, timeout=SECONDS)
        if done.returncode:
            raise ToolError("the embedded engine did not start", program="wcow engine", why=done.stderr.strip()[-2000:])
    return f"unix://{socket}"


def missing_packages() -> tuple[str, ...]:
    """The Debian packages that the embedded engine needs and this machine lacks."""
    from imagebuild.cli.engine import engine_place
    from imagebuild.sandbox import WineSandbox

    missing: tuple[str, ...] = ()
    with suppress(OSError):
        sandbox = WineSandbox(Path(engine_place(None, None)[0]) / "sandbox")
        try:
            missing = tuple(sandbox.facts().missing)
        finally:
            sandbox.close()
    return missing
