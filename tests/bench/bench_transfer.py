# SPDX-License-Identifier: Apache-2.0
"""Images to and from a local ``docker-registry``, beside ``skopeo copy``, ``crane`` and ``buildah``, in the same run.

``BENCH_MB`` is the size of all layers together (default 256; the bars of docs/benchmarks.md are for 1024), and of
the files that are built and pushed a third of it. Trust the ratios more than the seconds. Times include the start of
each program; each in turn, three times, medians.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import plain_images as images
from support import programs

from imagebuild.stores import LayoutStore

RUNS = 3
LAYERS = 8
SIZE = int(os.environ.get("BENCH_MB", "256")) << 20
WCOW = (sys.executable, "-m", "imagebuild")


def timed(argv: list[str | Path], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of one command, whose output is thrown away."""
    start = time.perf_counter()
    process = subprocess.Popen([str(arg) for arg in argv], env={**os.environ, **environment},
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    with process.stderr:
        complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, complaint.decode("utf-8", "replace")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


def compare(runners: dict[str, Callable[[int], tuple[float, float]]]) -> None:
    """Run all in turn, several times, and print a line for each; ratios are against the first."""
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in runners}
    for run in range(RUNS):
        for name, runner in runners.items():
            os.sync()
            figures[name].append(runner(run))
    print()
    base = 0.0
    for name, each in figures.items():
        wall, cpu = (statistics.median(column) for column in zip(*each, strict=True))
        base = base or wall
        print(f"{name}: {wall:.2f} s ({wall / base:.2f} x), {cpu:.2f} s of CPU")


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """An image of eight layers that do not compress."""
    chance = random.Random(1)
    layers = [images.layer_tar(f"Files/{number}", chance.randbytes(SIZE // LAYERS)) for number in range(LAYERS)]
    with LayoutStore(tmp_path / "layout", create=True) as store:
        images.store(store, images.sample(*layers), *layers, tag="1")
    return tmp_path / "layout"


def test_pull_and_push_of_eight_layers(tmp_path: Path, layout: Path, registry: programs.Registry) -> None:
    """The registry to a folder and back; ours to the local store, skopeo's to an OCI layout."""
    with programs.skipping():
        skopeo = programs.find("skopeo")
    place = f"docker://{registry.host}/bench/pull:1"
    programs.run(skopeo, "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:1", place)
    environment = {"WCOW_STORE": str(tmp_path / "store")}

    def ours(run: int) -> tuple[float, float]:
        shutil.rmtree(tmp_path / "store", ignore_errors=True)
        return timed([*WCOW, "pull", "-q", "--all", place.removeprefix("docker://")], environment)

    def theirs(run: int) -> tuple[float, float]:
        shutil.rmtree(tmp_path / "theirs", ignore_errors=True)
        return timed([skopeo, "copy", "-q", "--src-tls-verify=false", place, f"oci:{tmp_path / 'theirs'}:1"], {})

    compare({"wcow pull": ours, "skopeo copy from a registry": theirs})

    def forget() -> None:  # a blob that a registry has anywhere, it would only link
        shutil.rmtree(registry.root / "docker", ignore_errors=True)

    def ours_back(run: int) -> tuple[float, float]:
        forget()
        return timed([*WCOW, "copy", "-q", f"oci:{layout}:1", f"docker://{registry.host}/bench/ours{run}:1"], {})

    def theirs_back(run: int) -> tuple[float, float]:
        forget()
        return timed([skopeo, "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:1",
                      f"docker://{registry.host}/bench/theirs{run}:1"], {})

    compare({"wcow copy": ours_back, "skopeo copy to a registry": theirs_back})


def test_build_and_push(tmp_path: Path, registry: programs.Registry, crane: Path) -> None:
    """Files, half of them compressible, to an image in a registry. crane is given a ready tar."""
    chance = random.Random(2)
    context = tmp_path / "context"
    count = SIZE // 3 // 100_000
    for number in range(count):
        path = context / "files" / str(number // 50) / str(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        words = [b"%x" % chance.getrandbits(16) for _ in range(500)]
        text = b" ".join(chance.choices(words, k=25_000))[:100_000]
        path.write_bytes(chance.randbytes(100_000) if number % 2 else text)
    (context / "Dockerfile").write_text("FROM scratch\nCOPY files /app\n")
    tar = tmp_path / "files.tar"
    programs.run("tar", "-C", context, "-cf", tar, "files")

    def forget() -> None:
        shutil.rmtree(registry.root / "docker", ignore_errors=True)

    def ours(run: int) -> tuple[float, float]:
        forget()
        for name in ("store", "cache"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        return timed([*WCOW, "build", "--progress", "quiet", "-t", f"{registry.host}/bench/built{run}:1", "--push",
                      context], {"WCOW_STORE": str(tmp_path / "store"), "WCOW_CACHE": str(tmp_path / "cache")})

    def cranes(run: int) -> tuple[float, float]:
        forget()
        return timed([crane, "append", "-f", tar, "-t", f"{registry.host}/bench/crane{run}:1"], {})

    (tmp_path / "logins.json").write_text("{}")
    runners = {"wcow build --push": ours, "crane append": cranes}
    try:
        start = programs.buildah(tmp_path / "buildah")
    except programs.Unavailable as error:
        print(f"without buildah: {error}")
    else:
        def buildahs(run: int) -> tuple[float, float]:
            forget()
            shutil.rmtree(tmp_path / "buildah", ignore_errors=True)
            name = f"docker://{registry.host}/bench/buildah{run}:1"
            logins = {"REGISTRY_AUTH_FILE": str(tmp_path / "logins.json")}
            built = timed([*start, "build", "-q", "--isolation", "chroot", "-t", f"built{run}", context], logins)
            pushed = timed([*start, "push", "-q", "--tls-verify=false", f"built{run}", name], logins)
            return built[0] + pushed[0], built[1] + pushed[1]

        runners["buildah build and push"] = buildahs
    compare(runners)
