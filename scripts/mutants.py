#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mutation testing: break the library in small ways, run the tests that call the broken function, list what they miss.

    scripts/mutants.py run [--jobs N] [--budget SECONDS] [FILE|FOLDER…]    what `make mutants` does
    scripts/mutants.py report                                  print the verdicts so far, and each survivor

mutmut makes the mutants, picks the tests and keeps the verdicts in ``mutants/`` ([tool.mutmut] in pyproject.toml).
Here is what it lacks: going on with the files that were asked for, a budget, no verdict "survived" older than the
tests, and the list of survivors.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
ROOMS = ("windows", "layer", "lint")
STATE = TOP / "mutants"
#: Bytes of address space that a mutant may take, as everything else of the run.
MEMORY = 2 << 30
#: Exit code of pytest, or minus the signal that ended the process -> verdict. None: not run yet.
VERDICTS = {None: "left", 0: "survived", 1: "killed", 3: "killed", 5: "untested", 33: "untested",
            -24: "timeout", 24: "timeout", 152: "timeout", 36: "timeout", 255: "timeout"}
#: The verdicts of those that ran, and the columns of the page.
RAN = ("killed", "timeout", "survived", "untested", "crashed")
#: These are asked again when the tests of the room have changed: a new test may see the mutant.
HOPEFUL = {"survived", "untested"}


def files(asked: Iterable[str] = ()) -> list[str]:
    """The files to break, as paths from the top; folders and files may be asked for."""
    every = sorted(path.relative_to(TOP).as_posix()
                   for room in ROOMS for path in (TOP / "imagebuild" / room).rglob("*.py"))
    wanted = [Path(os.path.relpath(name, TOP)).as_posix() for name in asked]
    for name in wanted:
        if not any(file == name or file.startswith(f"{name}/") for file in every):
            sys.exit(f"mutants: {name} is none of the files that are mutated (imagebuild/{', '.join(ROOMS)})")
    return [file for file in every if not wanted or any(file == name or file.startswith(f"{name}/") for name in wanted)]


def meta(file: str) -> dict[str, dict[str, object]]:
    """What mutmut knows of a file's mutants; nothing before its first run."""
    path = STATE / f"{file}.meta"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def fresh(file: str) -> bool:
    """Whether the mutants were made from the file as it is."""
    made = STATE / file
    return bool(meta(file)) and made.stat().st_mtime > (TOP / file).stat().st_mtime


# --- a run ----------------------------------------------------------------------------------------------------------

def tests_of(room: str) -> str:
    """A digest of everything that the tests of a room consist of."""
    digest = hashlib.sha256()
    for path in sorted([*(TOP / "tests/imagebuild" / room).rglob("*.py"), *(TOP / "tests/support").glob("*.py"),
                        TOP / "tests/conftest.py"]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def forget_what_new_tests_may_see() -> None:
    """Drop mutmut's map of tests, and the verdicts of survivors, where the tests changed since."""
    os.chdir(TOP)  # mutmut looks for mutants/ here
    shutil.rmtree(STATE / "tests", ignore_errors=True)  # mutmut copies and never removes
    noted = STATE / "tests.json"
    before = json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else {}
    now = {room: tests_of(room) for room in ROOMS}
    changed = [room for room in ROOMS if before.get(room) != now[room]]
    if changed:
        (STATE / "mutmut-stats.json").unlink(missing_ok=True)
    for file in files():
        known = meta(file)
        if file.split("/")[1] in changed and known:
            codes = known["exit_code_by_key"]
            known["exit_code_by_key"] = {
                name: None if VERDICTS.get(code) in HOPEFUL else code
                for name, code in codes.items()}
            (STATE / f"{file}.meta").write_text(json.dumps(known, indent=4), encoding="utf-8")
    STATE.mkdir(exist_ok=True)
    noted.write_text(json.dumps(now), encoding="utf-8")


def pending(chosen: list[str]) -> list[str]:
    """Names for mutmut: what is left of a file, or all of a file that is new or changed."""
    names: list[str] = []
    for file in chosen:
        left = [name for name, verdict in meta(file).get("exit_code_by_key", {}).items() if verdict is None]
        if fresh(file) and len(left) < len(meta(file)["exit_code_by_key"]):
            names += left
        elif left or (not fresh(file) and "def " in (TOP / file).read_text(encoding="utf-8")):
            module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            names += [f"{module}.x_*", f"{module}.xǁ*"]
    return names


def limit_memory() -> None:
    """A loop without end that gathers something must not take the machine with it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def run(chosen: list[str], jobs: int, budget: float) -> int:
    """Go on with the chosen files, for ``budget`` seconds (0: until done), then print the report."""
    forget_what_new_tests_may_see()
    names = pending(chosen)
    if not names:
        print("mutants: nothing is left to run")
        return report()
    env = dict(os.environ)
    if (TOP.parent / "shared").is_dir():
        env.setdefault("WCOW_SHARED", str(TOP.parent / "shared"))  # the tests run two folders further down
    mutmut = subprocess.Popen([sys.executable, __file__, "mutmut", "run", "--max-children", str(jobs), *names],
                              cwd=TOP, env=env, preexec_fn=limit_memory)
    code = None
    try:
        code = mutmut.wait(budget or None)
    except subprocess.TimeoutExpired:
        print(f"\nmutants: {budget:.0f} seconds are over; the next run goes on from here")
        mutmut.send_signal(signal.SIGINT)
    except KeyboardInterrupt:
        pass  # the terminal has told mutmut, too
    if code is None:
        try:
            mutmut.wait(60)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            mutmut.kill()
            mutmut.wait()
    report()
    return code or 0


def mutmut(arguments: list[str]) -> int:
    """mutmut itself, which then runs the tests of the broken file first and all others only if those notice nothing.

    pytest takes longer to find a thousand tests than to run the few that matter.
    """
    from mutmut.__main__ import cli
    from mutmut.runners.harness import PytestRunner

    run_tests = PytestRunner.run_tests

    def own_tests_first(self: Any, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        own, others = divided(mutant_name or "", tests)
        if own and (code := run_tests(self, mutant_name=mutant_name, tests=own)):
            return code
        return run_tests(self, mutant_name=mutant_name, tests=others) if others or not own else 0

    PytestRunner.run_tests = own_tests_first
    cli.main(arguments, prog_name="mutmut")
    return 0


def divided(mutant: str, tests: Iterable[str]) -> tuple[list[str], list[str]]:
    """The tests in the file that mirrors a mutant's, and the others."""
    *folders, file, _function = ("", "", *mutant.split("."))
    mirror = "/".join(("tests", *filter(None, folders), f"test_{file}.py::"))
    every = sorted(tests)
    return [test for test in every if test.startswith(mirror)], [test for test in every if not test.startswith(mirror)]


# --- the report -----------------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Mutant:
    """One change that was tried: ``where`` is the function from the room on; ``was`` and ``becomes`` are lines;
    ``name`` is mutmut's."""

    where: str
    was: str
    becomes: str
    verdict: str
    name: str = ""


def function_of(name: str) -> str:
    """``imagebuild.windows.sid.xǁSidǁparse__mutmut_3`` -> ``windows.sid.Sid.parse``."""
    module, _, mangled = name.partition("__mutmut_")[0].rpartition(".")
    plain = mangled[1:].strip("ǁ").replace("ǁ", ".") if "ǁ" in mangled else mangled.removeprefix("x_")
    return f"{module.removeprefix('imagebuild.')}.{plain}"


def survivors(file: str) -> Iterator[Mutant]:
    """The mutants of a file that no test noticed, with what they change."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    for name, code in meta(file)["exit_code_by_key"].items():
        verdict = VERDICTS.get(code, "crashed")
        if verdict in HOPEFUL | {"crashed"}:
            lines = get_diff_for_mutant(name, path=file).splitlines()[2:]
            was, becomes = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
            yield Mutant(function_of(name), was, becomes, verdict, name)


def report() -> int:
    """Print a row for each file, and the survivors with what they change."""
    rows, lists, never, total = [], [], [], Counter[str]()
    os.chdir(TOP)  # mutmut looks for mutants/ here
    for file in files():
        counts = Counter(VERDICTS.get(one, "crashed") for one in meta(file).get("exit_code_by_key", {}).values())
        name = file.removeprefix("imagebuild/")
        if not fresh(file) or set(counts) == {"left"}:
            never.append(name)
        elif counts:
            rows.append(row(name, counts))
            total.update(counts)
            lists += [f"{mutant.where} {mutant.verdict}\n  - {mutant.was}\n  + {mutant.becomes}"
                      for mutant in survivors(file)]
    if rows:
        print("\n".join([*lists, row("file", {name: name for name in (*RAN, "left")}, "noticed"), *rows]))
    print(f"mutants: {sum(total[one] for one in RAN)} run, {rate(total)} noticed; "
          f"{total['left']} left in files that were begun, {len(never)} files not begun")
    return 0


def rate(counts: Mapping[str, Any]) -> str:
    """Killed of those that ran; what ends by the clock counts as noticed."""
    ran = sum(counts.get(one, 0) for one in RAN)
    return f"{100 * (counts.get('killed', 0) + counts.get('timeout', 0)) / ran:.1f} %" if ran else "-"


def row(name: str, counts: Mapping[str, object], last: str = "") -> str:
    """A line of the table."""
    cells = "".join(f"{counts.get(one, 0):>10}" for one in (*RAN, "left"))
    return f"{name:<36}{cells}{last or rate(counts):>10}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("run")
    one.add_argument("--jobs", type=int, default=1)
    one.add_argument("--budget", type=float, default=0)
    one.add_argument("paths", nargs="*")
    verbs.add_parser("report")
    verbs.add_parser("mutmut").add_argument("arguments", nargs=argparse.REMAINDER)  # what `run` starts
    options = parser.parse_args()
    if options.verb == "mutmut":
        return mutmut(options.arguments)
    return run(files(options.paths), options.jobs, options.budget) if options.verb == "run" else report()


if __name__ == "__main__":
    sys.exit(main())
