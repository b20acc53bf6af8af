# SPDX-License-Identifier: Apache-2.0
"""The ``wcow`` command."""

from __future__ import annotations

import gc
import os
import sys

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run ``wcow`` with ``argv`` (without the program's name) and return its exit code."""
    args = sys.argv[1:] if argv is None else argv
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _open_closed_streams()
    if args == ["--version"]:  # answered before anything is imported: people put it into prompts and scripts
        from .. import __version__

        try:
            out = sys.stdout.fileno()
        except (OSError, ValueError):  # a stream of our caller's
            print(f"wcow {__version__}")
            return 0
        try:
            os.write(out, f"wcow {__version__}\n".encode())
            return 0
        except OSError:
            pass  # a full disk or a reader that went away: the long way, which knows how such things end
    if argv is None:  # a process of our own, and a short one: looking for circles costs it more than it finds
        gc.set_threshold(50_000)
    try:
        from .app import run

        return run(args)
    except KeyboardInterrupt:  # while modules are imported, or once more while the first one is being told
        print("\nerror: interrupted", file=sys.stderr)
        return 130


def _open_closed_streams() -> None:
    """Stand in for standard streams that our parent closed (``wcow … >&-``, some daemons), so that no file which is
    opened later gets their numbers. What is written to standard error goes nowhere; to lose a result that is written to
    standard output is an error."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDONLY if name == "stdout" else os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for good
