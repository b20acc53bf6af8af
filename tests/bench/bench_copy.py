# SPDX-License-Identifier: Apache-2.0
"""``wcow copy`` beside ``skopeo copy``: an image of 300 MB from a layout to a registry and back, in the same run.

Trust the ratios more than the seconds.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from support import images, programs

from imagebuild.stores import LayoutStore

RUNS = 3
LAYERS, LAYER_SIZE = 3, 100 << 20


def test_copy(tmp_path: Path, registry: programs.Registry) -> None:
    """Both in turn, each to a repository of its own; seconds and CPU seconds, the medians."""
    with programs.skipping():
        skopeo = programs.find("skopeo")
    chance = random.Random(1)
    with LayoutStore(tmp_path / "layout", create=True) as store:
        layers = [images.layer(store, (images.folder("Files", security=False),
                                       images.file("Files/random.bin", chance.randbytes(LAYER_SIZE)),
                                       images.folder("Hives", security=False)), compression="none")
                  for _ in range(LAYERS)]
        images.image(store, "1", *layers)
    wcow = (sys.executable, "-m", "imagebuild", "copy", "-q")
    environment = {**os.environ, "WCOW_STORE": str(tmp_path / "store")}
    figures: dict[str, list[tuple[float, float]]] = {}
    for run in range(RUNS):
        for name, tool, up, down in (("wcow", wcow, (), ()), ("skopeo", (str(skopeo), "copy", "-q"),
                                     ("--dest-tls-verify=false",), ("--src-tls-verify=false",))):
            # A repository for each run: what a registry has, it would only link.
            place = f"docker://{registry.host}/{name}/{run}:1"
            away = tmp_path / f"{name}{run}"
            programs.run("rm", "-rf", registry.root / "docker")
            figures.setdefault(f"{name} to a registry", []).append(
                timed([*tool, *up, f"oci:{tmp_path / 'layout'}:1", place], environment))
            figures.setdefault(f"{name} from a registry", []).append(
                timed([*tool, *down, place, f"oci:{away}:1"], environment))
            shutil.rmtree(away)
    print()
    for name, each in figures.items():
        wall, cpu = (statistics.median(column) for column in zip(*each, strict=True))
        print(f"{name}: {wall:.2f} s, {cpu:.2f} s of CPU")


def timed(argv: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of one command."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL)
    took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
