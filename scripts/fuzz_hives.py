#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fuzzing of registry hives: a million broken ones are read, examined and written; none may crash or hang.

    scripts/fuzz_hives.py [--count N] [--jobs N] [--seconds N]         what `make fuzz` does; goes on where it stopped
    scripts/fuzz_hives.py --one NUMBER [--write FILE]                  one of them again, with its traceback

``tests/support/hivefuzz.py`` breaks the hives and says what must hold. The broken hive of a number is always the same
as long as the seeds are: those of our own writer, and the small ones of ``WCOW_SHARED`` (or ``../shared``). The state
is ``.fuzz/state.json``; other seeds begin anew. What failed lies in ``.fuzz/failures/``, the hive and what was said.
Exit code 1 when anything has failed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, wait
from itertools import islice
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP), str(TOP / "tests")]

from support import hivefuzz  # noqa: E402

STATE = TOP / ".fuzz" / "state.json"
FAILURES = TOP / ".fuzz" / "failures"
SHARED = Path(os.environ.get("WCOW_SHARED") or TOP.parent / "shared") / "hives"
CHUNK = 500
#: Seconds for one hive, and bytes of address space for a process; a hive of 64 KiB needs a fraction of either.
SECONDS = 20
MEMORY = 2 << 30

_seeds: list[bytes] = []


class Hang(Exception):
    """A hive took longer than it may."""


def begin() -> None:
    """What each process does first."""
    def hang(*_: object) -> None:
        raise Hang(f"more than {SECONDS} seconds")

    _seeds[:] = [*hivefuzz.own_seeds(), *hivefuzz.other_seeds(SHARED)]
    signal.signal(signal.SIGALRM, hang)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def chunk(first: int) -> tuple[int, dict[str, int], list[tuple[int, bytes, str]]]:
    """The hives of so many numbers: what came of them, and those that failed."""
    said: Counter[str] = Counter()
    failed = []
    for number in range(first, first + CHUNK):
        data = hivefuzz.mutated(_seeds, number)
        signal.alarm(SECONDS)
        try:
            said[hivefuzz.examine(data)] += 1
        except Exception:
            said["failed"] += 1
            failed.append((number, data, traceback.format_exc()))
        finally:
            signal.alarm(0)
    return first, said, failed


def run(count: int, jobs: int, seconds: float) -> int:
    """Go on until ``count`` hives are done or the seconds are over; returns how many have failed."""
    seeds = fingerprint()
    begin_at, said = remembered(seeds)
    done, started = begin_at, time.monotonic()
    with ProcessPoolExecutor(jobs, initializer=begin) as pool:
        numbers = iter(range(begin_at, count, CHUNK))
        while batch := [pool.submit(chunk, first) for first in islice(numbers, 4 * jobs)]:
            wait(batch)
            for future in batch:
                first, counts, failed = future.result()
                said.update(counts)
                done = first + CHUNK
                for number, data, text in failed:
                    save(number, data, text)
            remember(seeds, done, said)
            speed = (done - begin_at) / (time.monotonic() - started)
            print(f"{done} of {count} hives, {speed:.0f} a second: {dict(sorted(said.items()))}", flush=True)
            if seconds and time.monotonic() - started > seconds:
                break
    return said["failed"]


def fingerprint() -> str:
    """What the numbers mean: the seeds and the way they are broken."""
    seen = hashlib.sha256(Path(hivefuzz.__file__).read_bytes())
    for seed in (*hivefuzz.own_seeds(), *hivefuzz.other_seeds(SHARED)):
        seen.update(seed)
    return seen.hexdigest()


def remembered(seeds: str) -> tuple[int, Counter[str]]:
    """Where the last run has stopped."""
    state = json.loads(STATE.read_text()) if STATE.exists() else {}
    if state.get("seeds") != seeds:
        return 0, Counter()
    return state["next"], Counter(state["said"])


def remember(seeds: str, done: int, said: Counter[str]) -> None:
    """Write down how far we are."""
    STATE.parent.mkdir(exist_ok=True)
    temporary = STATE.with_suffix(".new")
    temporary.write_text(json.dumps({"seeds": seeds, "next": done, "said": dict(sorted(said.items()))}, indent=1))
    temporary.replace(STATE)


def save(number: int, data: bytes, text: str) -> None:
    """Keep what has failed."""
    FAILURES.mkdir(parents=True, exist_ok=True)
    (FAILURES / f"{number}.hive").write_bytes(data)
    (FAILURES / f"{number}.txt").write_text(text)
    print(f"{number} has failed: {text.strip().splitlines()[-1]} ({FAILURES / str(number)}.hive)", flush=True)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000, help="hives in all, those of earlier runs included")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seconds", type=float, default=0, help="stop after so many seconds (default: 0, never)")
    parser.add_argument("--one", type=int, help="only the hive of this number")
    parser.add_argument("--write", type=Path, help="with --one: where to write it")
    asked = parser.parse_args()
    if asked.one is not None:
        begin()
        data = hivefuzz.mutated(_seeds, asked.one)
        if asked.write:
            asked.write.write_bytes(data)
        print(hivefuzz.examine(data))
        return 0
    return 1 if run(asked.count, asked.jobs, asked.seconds) else 0


if __name__ == "__main__":
    sys.exit(main())
