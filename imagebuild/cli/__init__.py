# SPDX-License-Identifier: Apache-2.0
"""The ``wcow`` command."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run ``wcow`` with ``argv`` (without the program's name) and return its exit code."""
    args = sys.argv[1:] if argv is None else argv
    if args == ["--version"]:  # answered before anything is imported: people put it into prompts and scripts
        from .. import __version__

        print(f"wcow {__version__}")
        return 0
    from .app import run

    return run(args)
