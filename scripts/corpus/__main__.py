# SPDX-License-Identifier: Apache-2.0
"""Builds Dockerfiles of real projects and writes the page: ``python scripts/corpus --index FILE --dockerfiles DIR``.

``--index`` is a table (tab-separated: repo, path, commit, RUNs, hardest tier), ``--dockerfiles`` the folder with their
texts at ``OWNER/NAME/PATH``; neither comes with the repository. ``--powershell`` is a folder with PowerShell 7 for
Windows. Results are kept in ``--work``, a folder that boxes may enter, so an interrupted run goes on; ``--only WORDS``
builds again what has these words in its name. Exit code 1 below the bar, 3 where the engine cannot run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path += [str(TOP), str(TOP / "tests")]
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
PAGE = TOP / "docs" / "run.md"


def main() -> int:
    """Draw, build, write the page."""
    from draw import read, take
    from page import BAR, cause_of, page
    from support import engine, programs, users, windows_programs
    from support.real_dockerfiles.attempt import Attempts, Outcome
    from support.real_dockerfiles.made import Maker
    from support.real_dockerfiles.scenery import Scenery
    from support.real_dockerfiles.table import Table
    from support.workbench import Workbench

    options = _options()
    rows = read(options.index)
    taken, missing = take(rows, options.dockerfiles, options.count)
    table = Table.load()
    work: Path = options.work
    for folder in (work, work / "engine"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
    kept = work / "results.json"
    found: dict[str, Outcome] = {one["name"]: Outcome(**one) for one in json.loads(kept.read_text())} \
        if kept.is_file() else {}
    environment = {"WCOW_STORE": str(work / "store"), "WCOW_CACHE": str(work / "cache"),
                   "WCOW_ENGINE_ROOT": str(work / "engine"), "WCOW_ENGINE_SOCKET": str(work / "engine.sock")}
    try:
        if not (work / "engine" / "sandbox").is_symlink():
            engine.template(work / "engine" / "sandbox", users.ourselves())
        powershell = options.powershell or windows_programs.powershell()
        _wcow(environment, "powershell", "install", "-q", "--from", str(powershell))
        _wcow(environment, "engine", "start", "--windows-build", str(table.newest))  # it refuses newer images
        maker = Maker(table, powershell)
        scenery = Scenery(work / "scenes", Workbench(work, air_gapped=True), table, maker,
                          lambda *words: _wcow(environment, *words))
        attempts = Attempts(scenery, maker, environment, options.seconds)
        for row in taken:
            if options.only and not any(words in row.name for words in options.only):
                continue
            if not options.only and row.name in found:
                continue
            begun = time.monotonic()
            outcome = found[row.name] = attempts.build(row.name, (options.dockerfiles / row.name).read_bytes())
            kept.write_text(json.dumps([asdict(one) for one in found.values()], indent=1))
            said = "builds" if outcome.built else f"STOPPED: {cause_of(outcome, table)}"
            print(f"{row.name}: {said} ({time.monotonic() - begun:.0f} s)", flush=True)
    except programs.Unavailable as error:
        print(f"the engine cannot run here: {error}", file=sys.stderr)
        return 3
    finally:
        _wcow(environment, "engine", "stop", ok=False)
    listed = [(row, found[row.name]) for row in taken if row.name in found]
    if options.page or not options.only:
        (options.page or PAGE).write_text(page(listed, missing, len(rows), table), encoding="utf-8")
    return 0 if sum(outcome.built for _, outcome in listed) * 80 >= BAR * len(taken) else 1


def _wcow(environment: Mapping[str, str], *words: str, ok: bool = True) -> str:
    """Run ``wcow`` and return what it wrote; RuntimeError with its errors when it fails."""
    done = subprocess.run([sys.executable, "-m", "imagebuild", *words], env={**os.environ, **environment}, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if ok and done.returncode:
        raise RuntimeError(f"wcow {' '.join(words)}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/corpus", description="Dockerfiles of real projects, built.")
    parser.add_argument("--index", type=Path, required=True, metavar="FILE", help="the index, tab-separated")
    parser.add_argument("--dockerfiles", type=Path, required=True, metavar="DIR", help="the texts, OWNER/NAME/PATH")
    parser.add_argument("--powershell", type=Path, metavar="FOLDER",
                        help="PowerShell 7 for Windows (default: where the tests find it)")
    parser.add_argument("--work", type=Path, default=Path("/var/tmp/wcow-corpus"), metavar="DIR",
                        help="stores, the engine and results (default: %(default)s)")
    parser.add_argument("--count", type=int, default=80, help="how many to draw (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=300, help="how long one build may take (default: %(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="WORDS", help="only names with these words")
    parser.add_argument("--page", type=Path, metavar="FILE", help=f"write the page there (default: {PAGE.name})")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
