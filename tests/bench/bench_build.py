# SPDX-License-Identifier: Apache-2.0
"""``wcow build`` of a COPY beside ``crane append``, ``buildah`` and BuildKit, each to an OCI layout or archive."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support import programs
from support.bench import WCOW, Contender, Report, measure, race

PEERS = os.environ.get("BENCH_PEERS", "crane,buildah,buildkit").split(",")


def folder(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def contenders(tmp: Path, context: Path, stack: contextlib.ExitStack) -> list[Contender]:
    """Ours and every peer that is there."""
    dockerfile = tmp / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY . C:/app/\n")
    env = {"WCOW_STORE": str(tmp / "store"), "WCOW_CACHE": str(tmp / "cache")}

    def fresh() -> None:
        for name in ("store", "cache", "ours"):
            shutil.rmtree(tmp / name, ignore_errors=True)

    ours = f"type=oci,tar=false,dest={tmp / 'ours'}"
    found = [Contender("wcow", [*WCOW, "build", "-q", "-f", dockerfile, "-o", ours, context], fresh, env)]
    if "crane" in PEERS:
        with contextlib.suppress(programs.Unavailable):
            tar = tmp / "context.tar"
            subprocess.run(["tar", "-cf", tar, "-C", context, "."], check=True)
            argv = [programs.crane(), "append", "-f", tar, "-t", "example.org/bench/app:1", "-o", tmp / "crane.tar"]
            found.append(Contender("crane append (of a tar made before)", argv))
    if "buildah" in PEERS:
        with contextlib.suppress(programs.Unavailable):
            plain = tmp / "Linux.Dockerfile"
            plain.write_text("FROM scratch\nCOPY . /app/\n")
            script = tmp / "buildah.sh"
            buildah = programs.buildah(tmp / "buildah")
            words = " ".join(map(str, buildah))
            script.write_text("set -e\nunset DOCKER_CONFIG\n"
                              f"{words} bud -q --isolation chroot -t x -f {plain} {context} >/dev/null\n"
                              f"{words} push -q x oci:{tmp / 'buildah-out'}:x >/dev/null\n")
            found.append(Contender("buildah bud + push oci: (vfs)", ["sh", script],
                                   lambda: (folder(tmp / "buildah"), shutil.rmtree(tmp / "buildah-out", True))))
    if "buildkit" in PEERS:
        with contextlib.suppress(programs.Unavailable):
            programs.buildx()
            daemon = stack.enter_context(programs.dockerd(containerd_store=True))
            argv = ["docker", "buildx", "build", "-q", "--no-cache", "--platform", "windows/amd64", "-f", dockerfile,
                    "-o", f"type=oci,dest={tmp / 'buildkit.tar'}", context]
            found.append(Contender("BuildKit (docker buildx build)", argv,
                                   env={k: str(v) for k, v in daemon.env.items()}))
    return found


def test_copy_of_3000_files(tmp_path: Path, half_compressible: Path, report: Report) -> None:
    """300 MB in 3,000 files, half compressible."""
    with contextlib.ExitStack() as stack:
        costs = race(contenders(tmp_path, half_compressible, stack))
    sizes = [f"wcow's layer has {_largest(tmp_path / 'ours') / 1e6:.0f} MB"]
    if (tmp_path / "crane.tar").exists():
        sizes.append(f"crane's {(tmp_path / 'crane.tar').stat().st_size / 1e6:.0f} MB")
    report.table("COPY of 3,000 files, 300 MB, to an OCI layout", costs,
                 "4 times faster than crane and buildah, 20 times than BuildKit, 80 MB at most; layer at most 1.10 "
                 "times crane's",
                 note="; ".join(sizes) + ".")


def test_copy_of_many_small_files(tmp_path: Path, many_small: Path, report: Report) -> None:
    """100,000 files of 1 KB."""
    with contextlib.ExitStack() as stack:
        costs = race(contenders(tmp_path, many_small, stack), runs=1)
    report.table("COPY of 100,000 files of 1 KB", costs,
                 "1.3 times faster than crane, 10 times than BuildKit and buildah; 200 MB at most")


def test_nothing_changed(tmp_path: Path, half_compressible: Path, report: Report) -> None:
    """The same build again. The base is given by digest, and its registry is gone: whoever asked it would fail."""
    env = {"WCOW_STORE": str(tmp_path / "store"), "WCOW_CACHE": str(tmp_path / "cache")}
    dockerfile = tmp_path / "Dockerfile"
    build = [*WCOW, "build", "-q", "-f", dockerfile, half_compressible]
    with programs.registry() as registry:
        base = f"{registry.host}/bench/base"
        made = tmp_path / "made"
        like = ("--like", "nanoserver", "--os-version", "10.0.20348.2762")
        measure([*WCOW, "base", "create", "-q", *like, "--push", "-t", f"{base}:1"], {**env, "WCOW_STORE": str(made)})
        digest = subprocess.run([*WCOW, "digest", f"docker://{base}:1"], check=True, capture_output=True, text=True)
        dockerfile.write_text(f"FROM {base}@{digest.stdout.strip()}\nCOPY . C:/app/\n")
        measure(build, env)
    report.table("Nothing changed: the same build of 3,000 files again", race([Contender("wcow", build, env=env)]),
                 "0.3 s, and no network where the base is given by digest",
                 note="The base is given by digest, and its registry had been stopped.")


@pytest.mark.parametrize("differ", [False, True], ids=["parents agree", "parents differ"])
def test_three_versions(tmp_path: Path, half_compressible: Path, report: Report, differ: bool) -> None:
    """Three Windows versions of a base in one index, beside one version."""
    env = {"WCOW_STORE": str(tmp_path / "store"), "WCOW_CACHE": str(tmp_path / "cache"),
           "SOURCE_DATE_EPOCH": "1700000000"}
    versions = ("10.0.17763.6000", "10.0.20348.2762", "10.0.26100.100")
    for number, version in enumerate(versions):
        when = {"SOURCE_DATE_EPOCH": str(1_600_000_000 + (number if differ else 0))}
        like = ("--like", "nanoserver", "--os-version", version)
        measure([*WCOW, "base", "create", "-q", *like, "-t", f"base:{number}"], {**env, **when})
    measure([*WCOW, "index", "create", "-q", "-t", "base:all", *(f"base:{number}" for number in range(3))], env)
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM base:all\nCOPY . C:/Windows/app/\n")
    build = [*WCOW, "build", "-q", "--no-cache", "-f", dockerfile]
    costs = race([Contender("one version", [*build, "--os-version", versions[0], half_compressible], env=env),
                  Contender("wcow", [*build, "--os-version", "all", half_compressible], env=env)])
    report.table(f"Three base versions, one index; {'parents differ' if differ else 'parents agree'}", costs,
                 "1.9 times one version" if differ else "1.15 times one version",
                 note=f"Three cost {costs['wcow'].wall / costs['one version'].wall:.2f} times one.")


def _largest(layout: Path) -> int:
    return max(path.stat().st_size for path in (layout / "blobs" / "sha256").iterdir())
