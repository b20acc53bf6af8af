# SPDX-License-Identifier: Apache-2.0
"""The same input gives the same digest: whatever the clock, locale, umask, folder, disk, processor or Python.

Each run is the command in a process of its own, with nothing remembered: it makes a base and builds an image on it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support import programs
from support.workbench import LTSC2022, NANOSERVER, Workbench

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKERFILE = f"""# escape=`
FROM {NANOSERVER} AS first
WORKDIR C:\\build
COPY --exclude=*.tmp data\\ out\\
FROM {NANOSERVER}
WORKDIR C:\\app
COPY . .
COPY --from=first C:\\build\\out C:\\out\\
COPY --chown=ContainerUser Z*.txt a*.txt C:\\data\\
ENV B=2 A=1
LABEL z=1 a=2
EXPOSE 443 80
ENTRYPOINT ["C:\\\\app\\\\a.exe"]
"""


@dataclass(frozen=True)
class Way:
    """How one run differs from the first."""

    env: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    python: str = sys.executable
    umask: int = 0o022
    modes: tuple[int, int] = (0o644, 0o755)
    reverse: bool = False
    mtime: int = 1_700_000_000
    cwd: bool = False
    compression: str = "gzip"


def tree() -> dict[str, bytes]:
    """Enough for several blocks, names whose order depends on how one sorts, and some that are not ASCII."""
    chance = random.Random(2)
    noise = chance.randbytes(700_000)
    files = {name: name.encode() * 50 for name in (
        "a.exe", "a.txt", "B.txt", "Z.txt", "_x.txt", "é.txt", "İ.txt", "\u0131/dotless.txt", "I2/dotted.txt",
        "größe/ß.txt", "data/1.bin", "data/skip.tmp", "data/sub/Deep.TXT", "x-y.txt", "x/y.txt", "x.y/z.txt")}
    return {**files, "data/big.bin": noise * 5, ".dockerignore": b"**/*.log\n", "no.log": b"never"}


def lay_out(folder: Path, way: Way) -> None:
    """Write the context: in either order, with the modes and times of the way."""
    files = {**tree(), "Dockerfile": DOCKERFILE.encode()}
    for name in sorted(files, reverse=way.reverse):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])
    links = {"latest": "data", "x/link.txt": "../a.txt"}
    for name in sorted(links, reverse=way.reverse):
        (folder / name).symlink_to(links[name])
    for path in [*folder.rglob("*"), folder]:
        if not path.is_symlink():
            path.chmod(way.modes[path.is_dir()])
        os.utime(path, (way.mtime, way.mtime), follow_symlinks=False)


def outcome(folder: Path, way: Way) -> dict[str, object]:
    """Build in ``folder`` the way that is asked for, and tell every digest."""
    context = folder / "context"
    lay_out(context, way)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "TZ", "PYTHON"))}
    env |= {"WCOW_STORE": str(folder / "store"), "WCOW_CACHE": str(folder / "cache"), "LC_ALL": "C.UTF-8", "TZ": "UTC",
            "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", **way.env}
    command = [*way.prefix, way.python, "-m", "imagebuild"]
    elsewhere = context if way.cwd else REPOSITORY

    def run(*words: str | Path) -> None:
        done = subprocess.run([*command, *map(str, words)], env=env, cwd=elsewhere, umask=way.umask, check=False,
                              capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")

    run("base", "create", "--like", "nanoserver", "--os-version", LTSC2022, "-t", NANOSERVER, "--quiet")
    run("build", "--offline", "--quiet", "--compression", way.compression, "-t", "app:1", "--metadata-file",
        folder / "metadata.json", "--junction", r"C:\now=C:\app\data", "--acl", r"C:\app\data=D:P(A;OICI;FA;;;BA)",
        "." if way.cwd else context)
    metadata = json.loads((folder / "metadata.json").read_bytes())
    blobs = folder / "store/blobs/sha256"
    manifest = json.loads((blobs / metadata["containerimage.digest"].partition(":")[2]).read_bytes())
    config = json.loads((blobs / metadata["containerimage.config.digest"].partition(":")[2]).read_bytes())
    return {"digest": metadata["containerimage.digest"], "manifest": manifest, "config": config}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a plain run gives."""
    return outcome(tmp_path_factory.mktemp("first"), Way())


WAYS = {
    "another time zone": Way(env={"TZ": "Pacific/Chatham"}),
    "the C locale": Way(env={"LC_ALL": "C"}),
    "a locale of plain ASCII": Way(env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "a Turkish locale": Way(env={"LC_ALL": "tr_TR.UTF-8"}),
    "another umask and other modes": Way(umask=0o077, modes=(0o700, 0o700)),
    "another working directory": Way(cwd=True),
    "files made in the opposite order": Way(reverse=True),
    "other times of the files": Way(mtime=1_200_000_000),
    "one processor": Way(prefix=("taskset", "-c", "0")),
    "another order of hashes": Way(env={"PYTHONHASHSEED": "4711"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WAYS)
def test_a_build_gives_the_same_digest_with(name: str, first: dict[str, object], tmp_path: Path) -> None:
    if "Turkish" in name and "tr_TR" not in programs.run(programs.find("locale"), "-a").stdout:
        pytest.skip("the locale tr_TR.UTF-8 is not there (Debian package locales-all)")
    assert outcome(tmp_path, WAYS[name]) == first


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_a_build_gives_the_same_digest_with_python(version: str, first: dict[str, object], tmp_path: Path) -> None:
    with programs.skipping():
        python = python_of(version)
    assert outcome(tmp_path, Way(python=str(python))) == first


@pytest.mark.slow
def test_the_compression_changes_layers_and_no_diff_id(first: dict[str, object], tmp_path: Path) -> None:
    other = outcome(tmp_path, Way(compression="zstd"))
    assert other["config"] == first["config"]
    assert other["digest"] != first["digest"]


@pytest.mark.slow
def test_what_the_files_hold_changes_the_digest(first: dict[str, object], tmp_path: Path) -> None:
    """So that the tests above cannot pass by comparing nothing."""
    assert len(first["config"]["rootfs"]["diff_ids"]) == 6  # type: ignore[index]
    other = outcome(tmp_path, Way(env={"SOURCE_DATE_EPOCH": "1700000000"}))
    assert other["config"] != first["config"] and other["digest"] != first["digest"]


def test_neither_order_nor_modes_nor_times_of_the_files_matter(bench: Workbench, tmp_path: Path) -> None:
    """The quick form of the tests above: in this process."""
    bench.base("nanoserver", NANOSERVER)
    digests = set()
    for number, way in enumerate((Way(), Way(reverse=True, mtime=1_200_000_000, modes=(0o600, 0o700)))):
        lay_out(tmp_path / str(number), way)
        digests.add(bench.build(tmp_path / str(number), no_cache=True).descriptor.digest)
    assert len(digests) == 1


def python_of(version: str) -> Path:
    """A Python of this version with what the project depends on, made once and kept in the user's cache."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return Path(sys.executable)
    def is_it(found: str | None) -> bool:
        ask = "import sys; print('%d.%d' % sys.version_info[:2])"
        return found is not None and programs.run(found, "-c", ask, ok=False).stdout.strip() == version

    names = (f"/usr/bin/python{version}", f"python{version}", "/usr/bin/python3", "python3")
    base = next(filter(is_it, map(shutil.which, names)), None)
    if base is None:
        raise programs.Unavailable(f"there is no Python {version} here (Debian package python{version})")
    from filelock import FileLock

    programs.user_cache().mkdir(parents=True, exist_ok=True)
    with FileLock(programs.user_cache() / f"python-{version}.lock"):
        folder = programs.user_cache() / f"python-{version}"
        constraints = (REPOSITORY / "requirements/constraints.txt").read_bytes()
        if (folder / "made-for").exists() and (folder / "made-for").read_bytes() == constraints:
            return folder / "bin/python"
        shutil.rmtree(folder, ignore_errors=True)
        steps = ([base, "-m", "venv", folder],
                 [folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-input", "-c",
                  REPOSITORY / "requirements/constraints.txt", "requests", "urllib3", "isal", "zstandard", "click",
                  "rich", "filelock"])
        for step in steps:
            done = programs.run(*step, ok=False, timeout=300)
            if done.returncode:
                shutil.rmtree(folder, ignore_errors=True)
                raise programs.Unavailable(f"Python {version} cannot have our packages: {done.stderr.strip()[-300:]}")
        (folder / "made-for").write_bytes(constraints)
    return folder / "bin/python"
