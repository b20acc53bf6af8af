# SPDX-License-Identifier: Apache-2.0
"""Starts real programs of Windows in containers, in every way, and writes the page: ``python scripts/programs``.

``--only NAME`` takes the rows whose name or kind has these words (may be repeated; the page is not written then, unless
``--page`` names a file). Exit code 1 when something does not run whose cause is not known, or runs although the table
says what stops it; 3 when the engine cannot run here.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path += [str(TOP), str(TOP / "tests")]
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
PAGE = TOP / "docs" / "reference" / "programs.md"


def main() -> int:
    """Run the rows that are named, or all."""
    from page import Row, page
    from support import engine, programs
    from support.what_runs.runner import run
    from support.what_runs.table import PROGRAMS

    options = _options()
    rows: list[Row] = []
    left = ""
    try:
        with engine.engine() as made:
            for program in PROGRAMS:
                if options.only and not any(words in f"{program.name} {program.kind}" for words in options.only):
                    continue
                before = time.monotonic()
                try:
                    rows.append(Row(program, tuple(run(program, made))))
                except programs.Unavailable as error:
                    rows.append(Row(program, (), str(error)))
                print(f"{rows[-1].line()} ({time.monotonic() - before:.0f} s)", flush=True)
    except programs.Unavailable as error:
        print(f"the engine cannot run here: {error}", file=sys.stderr)
        return 3
    except engine.Left as error:  # the rows have been run all the same
        left = str(error)
    if options.page or not options.only:
        (options.page or PAGE).write_text(page(rows), encoding="utf-8")
    wrong = [text for row in rows for text in row.surprises()] + ([left] if left else [])
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/programs", description="Programs of Windows in the engine.")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only rows with these words")
    parser.add_argument("--page", type=Path, metavar="FILE", help=f"write the page there (default: {PAGE.name})")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
