# SPDX-License-Identifier: Apache-2.0
"""A container that races the engine for what another one has mounted."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs
from support.engine import HERE, IMAGE, Engine, until
from support.sandboxes import COMPILER

pytestmark = pytest.mark.slow
STARTS = 24


@contextlib.contextmanager
def racing(windows: Engine, name: str, target: str, *mount: str) -> Iterator[None]:
    """A container that exchanges ``sub`` in its mount ``C:\\s`` for a link to a Linux path, as fast as it can."""
    tools = windows.fresh()
    with programs.skipping():
        compiler = programs.find(COMPILER)
    programs.run(compiler, "-Os", "-s", "-o", tools / "race.exe", HERE / "engine_programs" / "race.c")
    windows.docker("run", "--detach", "--name", name, *mount, "--volume", f"{tools}:C:\\p", IMAGE,
                   "C:\\p\\race.exe", "/prefix/drive_c/s", target)
    try:
        until(lambda: windows.docker("logs", name).stdout.strip() == "0")
        yield
    finally:
        windows.docker("rm", "--force", name)


def starts(windows: Engine, *arguments: str) -> Counter[str]:
    """What containers said, or that they were refused, how often."""
    seen: Counter[str] = Counter()
    for _ in range(STARTS):
        done = windows.docker("run", "--rm", *arguments, ok=False)
        seen[" ".join(sorted(done.stdout.split())) if done.returncode == 0 else "refused"] += 1
    return seen


@pytest.mark.parametrize("kind", ["volume-subpath", "host-drive"])
def test_no_container_gets_this_machines_root_in_place_of_a_folder(windows: Engine, name: str, kind: str) -> None:
    """A link to ``/`` leads to the root of the volume, or of the drive that stands for ``C:`` in mounts."""
    if kind == "host-drive":
        share = windows.drive / name
        share.mkdir()
        share.chmod(0o777)
        outer, inner = ("--volume", f"C:\\{name}:C:\\s"), ("--volume", f"C:\\{name}\\sub:C:\\x")
    else:
        windows.docker("volume", "create", name)
        outer = "--volume", f"{name}:C:\\s"
        inner = "--mount", f"type=volume,source={name},target=C:\\x,volume-subpath=sub"
    with racing(windows, name, "/", *outer):
        seen = starts(windows, *inner, IMAGE, "cmd", "/c", "dir /b C:\\x")
    root = "link sub" if kind == "volume-subpath" else " ".join(sorted(path.name for path in windows.drive.iterdir()))
    assert set(seen) <= {"mine", root, "refused"}, seen
    assert seen["refused"] < STARTS, seen


def test_no_container_gets_a_mount_where_a_link_in_another_leads(windows: Engine, name: str) -> None:
    windows.docker("volume", "create", name)
    with racing(windows, name, "/etc", "--volume", f"{name}:C:\\s"):
        seen = starts(windows, "--volume", f"{name}:C:\\a", "--volume", f"{name}-other:C:\\a\\sub\\c", IMAGE,
                      "cmd", "/c", "if exist \\\\?\\unix\\etc\\c\\nul (echo breach) else (echo fine)")
    assert set(seen) <= {"fine", "refused"}, seen


def test_a_target_through_a_link_in_another_mount_is_refused_with_its_reason(windows: Engine, name: str) -> None:
    folder = windows.fresh()
    (folder / "link").symlink_to("/proc")
    said = windows.refused("run", "--rm", "--volume", f"{folder}:C:\\a", "--volume", f"{name}:C:\\a\\link\\sys", IMAGE)
    assert "cannot mount at" in said, said
    assert "link is a link there" in said, said


def test_a_folder_in_a_mount_may_be_another_mount(windows: Engine, name: str) -> None:
    folder, other = windows.fresh(), windows.fresh()
    (folder / "Sub").mkdir(mode=0o777)
    (other / "inside").touch()
    said = windows.docker("run", "--rm", "--volume", f"{folder}:C:\\a", "--volume", f"{other}:C:\\a\\sub", IMAGE,
                          "cmd", "/c", "dir /b C:\\a C:\\a\\sub").stdout.split()
    assert said == ["Sub", "inside"], said
    assert [path.name for path in Path(folder).iterdir()] == ["Sub"]
