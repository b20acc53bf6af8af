# SPDX-License-Identifier: Apache-2.0
"""The local store stays good: many builds at once, Ctrl-C, kill -9, a full disk. The command is run as users run it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs
from support.workbench import NANOSERVER, Workbench, fill, finish

from imagebuild.codec import Compression
from imagebuild.errors import NotFoundError
from imagebuild.images.inspect.rootfs import IndexCache, Rootfs
from imagebuild.images.local import list_images
from imagebuild.oci import Reference
from imagebuild.wiring import Settings, open_library

pytestmark = pytest.mark.slow

BIG = 24 << 20
"""Bytes of noise that classic zlib needs a second or so for: time enough to be stopped."""


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """A store with a base in it."""
    made = Workbench(tmp_path / "bench", offline=True)
    made.base("nanoserver", NANOSERVER)
    return made


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A context that takes its time."""
    folder = tmp_path_factory.mktemp("big")
    return fill(folder, {"Dockerfile": f"FROM {NANOSERVER}\nCOPY small.txt C:/\nCOPY noise.bin C:/\n", "small.txt": "s",
                         "noise.bin": random.Random(1).randbytes(BIG)})


def environment(bench: Workbench, **more: str) -> dict[str, str]:
    temporary = bench.folder / "tmp"
    temporary.mkdir(exist_ok=True)
    return {**os.environ, "WCOW_STORE": str(bench.folder / "store"), "WCOW_CACHE": str(bench.folder / "cache"),
            "TMPDIR": str(temporary), "WCOW_OFFLINE": "1", **more}


def build(*arguments: str | Path, env: dict[str, str], err: Path | None = None) -> subprocess.Popen[bytes]:
    """Start ``wcow build``."""
    with (err or Path(os.devnull)).open("wb") as log:
        return subprocess.Popen([sys.executable, "-m", "imagebuild", "build", "--quiet", *map(str, arguments)], env=env,
                                stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)


def check(bench: Workbench, *tags: str) -> None:
    """Exactly these tags (and the base); every blob is what its name says; every image can be read to its last byte."""
    store = bench.folder / "store"
    for path in store.glob("blobs/*/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name, f"{path} is not what its name says"
    json.loads((store / "index.json").read_bytes())
    with open_library(bench.settings) as library:
        listed = list_images(library.local)
        assert {image.name for image in listed} == {NANOSERVER, *(str(Reference.parse(tag)) for tag in tags)}
        for image in listed:
            assert (image.problem, image.missing) == ("", 0)
            found = library.find(image.name, image.platforms[0])
            finish(Rootfs(found.image, found.store, IndexCache(bench.fresh()), name=image.name).prepare())


def drafts(bench: Workbench) -> list[Path]:
    """What is half-written or temporary: in the store, the caches, and where temporary files go."""
    folder = bench.folder
    caches = [path for path in (folder / "cache").rglob("*")
              if path.name.startswith(".") or (path.parent.name == "indexes" and path.suffix != ".idx")]
    return [*(folder / "store/.wcow/tmp").glob("*"), *(folder / "tmp").glob("*"), *caches]


def wait_for_draft(bench: Workbench, process: subprocess.Popen[bytes], size: int = 1 << 20) -> None:
    """Until the build is in the middle of writing its big layer."""
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        for path in (bench.folder / "store/.wcow/tmp").glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_size >= size:
                    return
        time.sleep(0.005)
    pytest.fail(f"the build ended with {process.poll()} before it could be stopped")


def test_builds_at_once_into_one_store_do_not_disturb_each_other(bench: Workbench, tmp_path: Path) -> None:
    """Six with names of their own, two with the same name, all with the same caches and some of the same layers."""
    running = []
    for number in range(8):
        name = f"app{number}:1" if number < 6 else "same:1"
        context = fill(tmp_path / f"c{number}", {"Dockerfile": f"FROM {NANOSERVER}\nCOPY shared C:/\nCOPY own C:/\n",
                                                 "shared": b"s" * 500_000, "own": f"{min(number, 6)}" * 300_000})
        running.append(build("-t", name, context, env=environment(bench), err=tmp_path / f"{number}.err"))
    codes = [process.wait(120) for process in running]
    assert codes == [0] * 8, [(tmp_path / f"{number}.err").read_text() for number in range(8)]
    check(bench, *(f"app{number}:1" for number in range(6)), "same:1")
    assert drafts(bench) == []
    assert bench.read("app3:1", r"C:\own") == b"3" * 300_000


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_stopped_leaves_nothing_half_done(
        stop: signal.Signals, bench: Workbench, big: Path, tmp_path: Path) -> None:
    process = build("--reproducible", "-t", "app:1", big, env=environment(bench), err=tmp_path / "err")
    wait_for_draft(bench, process)
    os.killpg(process.pid, stop)
    began = time.monotonic()
    assert process.wait(20) == 130
    assert time.monotonic() - began < 5
    said = (tmp_path / "err").read_text().lstrip("\n")  # a line of its own, after the terminal's ^C
    assert said.startswith("error: ") and len(said.splitlines()) <= 3 and "Traceback" not in said
    check(bench)
    assert drafts(bench) == []
    assert build("--compression", "gzip:1", "-t", "app:1", big, env=environment(bench)).wait(60) == 0
    check(bench, "app:1")


def test_a_build_that_is_killed_leaves_the_store_good(bench: Workbench, big: Path) -> None:
    process = build("--reproducible", "-t", "app:1", big, env=environment(bench))
    wait_for_draft(bench, process)
    process.kill()
    process.wait()
    check(bench)
    assert build("--compression", "gzip:1", "-t", "app:1", big, env=environment(bench)).wait(60) == 0
    check(bench, "app:1")


def test_a_store_survives_kills_at_any_moment(bench: Workbench, tmp_path: Path) -> None:
    """Each build gives one more tag or none at all; whatever was killed, the next one works."""
    chance = random.Random(7)
    tags = []
    for number in range(10):
        context = fill(tmp_path / f"c{number}", {"Dockerfile": f"FROM {NANOSERVER}\nCOPY . C:/app/\n",
                                                 "noise": chance.randbytes(3 << 20)})
        process = build("--compression", "gzip:1", "-t", f"app{number}:1", context, env=environment(bench))
        time.sleep(0.15 + 0.05 * number)
        process.kill()
        process.wait()
        with open_library(bench.settings) as library:
            if f"docker.io/library/app{number}:1" in library.local.tags():
                tags.append(f"app{number}:1")
        check(bench, *tags)
    assert build("-t", "last:1", tmp_path / "c0", env=environment(bench)).wait(60) == 0
    check(bench, *tags, "last:1")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_push_that_is_stopped_leaves_no_tag_and_can_be_done_again(
        stop: signal.Signals, bench: Workbench, big: Path, registry: programs.Registry, tmp_path: Path) -> None:
    env = environment(bench, WCOW_OFFLINE="0")
    for number in range(10):
        repository = f"stopped/{stop.name.lower()}{number}"
        name = f"{registry.host}/{repository}:1"
        built = bench.build(big, tag=name, compression=Compression.parse("none"))
        command = [sys.executable, "-m", "imagebuild", "push", "--quiet", name]
        with (tmp_path / "err").open("wb") as log:
            process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=log)
        uploads = registry.root / f"docker/registry/v2/repositories/{repository}/_uploads"
        while process.poll() is None and not any(map(is_large, uploads.glob("*/data"))):
            time.sleep(0.001)
        process.send_signal(stop)
        if process.wait(20) != 0:
            break
    else:
        pytest.skip("the registry took every push faster than it could be stopped")
    assert process.returncode == (130 if stop is signal.SIGINT else -stop)
    assert "Traceback" not in (tmp_path / "err").read_text()
    with pytest.raises(NotFoundError):
        Workbench(tmp_path / "other").find(f"docker://{name}")
    programs.run(*command, env=env)
    assert Workbench(tmp_path / "other").find(f"docker://{name}").descriptor.digest == built.descriptor.digest


def is_large(path: Path) -> bool:
    """Whether a file has a megabyte already, if it is still there."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size >= 1 << 20
    return False


# --- no room ----------------------------------------------------------------------------------------------------------

@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small disk that this test fills")
    folder = tmp_path / "tiny"
    folder.mkdir()
    done = programs.run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder, ok=False)
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    yield folder
    programs.run("umount", "--lazy", folder)


def told(bench: Workbench, err: Path, code: int) -> str:
    """What a build that failed for lack of room says: three lines at most, and what went wrong in the second."""
    said = err.read_text()
    assert code == 3, said
    lines = said.splitlines()
    assert len(lines) <= 3 and lines[0].startswith("error: ") and "Traceback" not in said, said
    return said


def test_a_full_disk_under_the_store_is_one_clear_error(tiny: Path, big: Path, tmp_path: Path) -> None:
    bench = Workbench(tmp_path / "bench", store=tiny / "store", offline=True)
    bench.base("nanoserver", NANOSERVER)
    env = environment(bench, WCOW_STORE=str(tiny / "store"))
    said = told(bench, tmp_path / "err", build("-t", "app:1", big, env=env, err=tmp_path / "err").wait(60))
    assert "No space left on device" in said and str(tiny) in said
    assert list((tiny / "store/.wcow/tmp").iterdir()) == []
    (big / "only").mkdir(exist_ok=True)
    small = fill(big / "only", {"Dockerfile": f"FROM {NANOSERVER}\nCOPY Dockerfile C:/\n"})
    assert build("-t", "small:1", small, env=env).wait(60) == 0, "the store works, and so does what fits"
    with open_library(Settings(store=tiny / "store", offline=True)) as library:
        assert library.local.tags() == ["docker.io/library/small:1", NANOSERVER]


def test_a_full_disk_under_an_archive_leaves_no_archive(
        tiny: Path, bench: Workbench, big: Path, tmp_path: Path) -> None:
    code = build("-t", "app:1", "-o", f"type=docker,dest={tiny / 'app.tar'}", big, env=environment(bench),
                 err=tmp_path / "err").wait(60)
    assert "No space left on device" in told(bench, tmp_path / "err", code)
    assert list(tiny.iterdir()) == []


def test_a_full_disk_under_the_cache_is_one_clear_error(
        tiny: Path, bench: Workbench, big: Path, tmp_path: Path) -> None:
    with contextlib.suppress(OSError), (tiny / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass
    env = environment(bench, WCOW_CACHE=str(tiny / "cache"))
    code = build("--compression", "gzip:1", "-t", "app:1", big, env=env, err=tmp_path / "err").wait(60)
    assert "disk is full" in told(bench, tmp_path / "err", code)
    assert [path for path in tiny.rglob("*") if path.is_file()] == [tiny / "filler"]
    check(bench)


def test_a_full_disk_under_temporary_files_is_one_clear_error(
        tiny: Path, bench: Workbench, big: Path, tmp_path: Path) -> None:
    """A tarball on standard input is unpacked there."""
    programs.run("tar", "-cf", tmp_path / "context.tar", "-C", big, "Dockerfile", "small.txt", "noise.bin")
    code = build("-t", "app:1", tmp_path / "context.tar", env=environment(bench, TMPDIR=str(tiny)),
                 err=tmp_path / "err").wait(60)
    assert "No space left on device" in told(bench, tmp_path / "err", code)
    assert list(tiny.iterdir()) == []
    check(bench)


def test_a_limit_on_the_size_of_files_is_one_clear_error(bench: Workbench, big: Path, tmp_path: Path) -> None:
    """``ulimit -f``, which needs no root."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, limits[1]))
    try:
        process = build("-t", "app:1", big, env=environment(bench), err=tmp_path / "err")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "File too large" in told(bench, tmp_path / "err", process.wait(60))
    check(bench)
    assert drafts(bench) == []
