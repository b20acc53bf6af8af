# SPDX-License-Identifier: Apache-2.0
"""How long ``wcow --version`` takes, process start included, beside Python doing nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 21

COMMANDS: dict[str, tuple[str | Path, ...]] = {
    "wcow --version": (Path(sys.executable).with_name("wcow"), "--version"),
    "python -c pass": (sys.executable, "-c", "pass"),
}


def test_startup() -> None:
    """Run the commands in turn, so that whatever else the machine does falls on both, and print the medians."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(RUNS):
        for name, argv in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
            times[name].append((time.perf_counter() - start) * 1000)
    print()
    for name, each in times.items():
        print(f"{name}: {statistics.median(each):.0f} ms")
