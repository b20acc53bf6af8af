# SPDX-License-Identifier: Apache-2.0
"""Volumes and networks of a test: made with our labels, seeded through a container, removed after it."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .._signals import held

if TYPE_CHECKING:
    from .._engines.engine import Engine
    from .._run import Run

SEED = "C:\\wcow-seed"


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of the engine; the source of a mount: ``mounts={r"C:\\data": volume}``."""

    name: str


@dataclass(frozen=True, slots=True)
class Network:
    """A network of the engine; ``network=network.name`` puts a container into it."""

    name: str
    id: str


Content = Mapping[str, str | bytes] | Path | None
After = list[tuple[str, str]]
"""Kinds and paths of what is removed after the test's containers."""


def make_volume(run: Run, engine: Engine, request: pytest.FixtureRequest, content: Content, name: str,
                after: After) -> Volume:
    """Make a volume, and put files into it from within a container: a Windows engine copies nothing into a mount."""
    from imagebuild.errors import NotFoundError

    name = name or f"wcow-{secrets.token_hex(6)}"
    marks = dict(run.owner.labels(test=request.node.nodeid))
    with held():
        found = engine.client.json("POST", "/volumes/create", body={"Name": name, "Labels": marks})
        if marks.items() <= (found.get("Labels") or {}).items():  # a volume that was there is another's
            after.append(("volume", f"/volumes/{name}"))
    if isinstance(content, Path):
        if not content.is_dir():
            raise NotFoundError(f"cannot fill a volume from {content}", why="it is not a folder")
        _seed(run, engine, request, name, content)
    elif content is not None:
        with tempfile.TemporaryDirectory(prefix="wcow-seed-") as folder:
            write_files(Path(folder), content)
            _seed(run, engine, request, name, Path(folder))
    return Volume(name)


def write_files(folder: Path, content: Mapping[str, str | bytes]) -> None:
    """Write files by their paths below a folder. Raises UsageError for a path that leads out of it."""
    from imagebuild.errors import UsageError, quoted

    for name, data in content.items():
        path = Path(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name:
            raise UsageError(f"{quoted(name)} is not a path below the folder", hint=r"like a.txt, or sub\a.txt")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data.encode() if isinstance(data, str) else data)


def make_network(run: Run, engine: Engine, request: pytest.FixtureRequest, driver: str, name: str,
                 more: Mapping[str, Any], after: After) -> Network:
    """Make a network; ``more`` are fields of the API's body (``Internal``, ``IPAM``, ``Options``)."""
    name = name or f"wcow-{secrets.token_hex(6)}"
    with held():
        found = engine.client.json("POST", "/networks/create", body={
            "Name": name, "Driver": driver, "Labels": dict(run.owner.labels(test=request.node.nodeid)), **more})
        after.append(("network", f"/networks/{found['Id']}"))
    return Network(name, str(found["Id"]))


def remove_thing(run: Run, engine: Engine, kind: str, path: str) -> None:
    """Remove a volume or network; what cannot be removed is told in the summary."""
    from imagebuild.dockerapi import faults
    from imagebuild.errors import DaemonError

    try:
        with engine.client.call("DELETE", path) as answer:
            answer.read()
    except faults.NotFound:
        pass
    except DaemonError as error:
        run.leftovers.append(f"{kind} {path.rpartition('/')[2]} stays: {error}")


def _seed(run: Run, engine: Engine, request: pytest.FixtureRequest, name: str, folder: Path) -> None:
    from imagebuild.containers import Mount, Spec

    from .container import end, make

    spec = Spec.of(request.getfixturevalue("nanoserver_image"), mounts=[Mount(name, SEED, "volume")])
    box = make(run, engine, request, spec)
    try:
        box.copy_in(folder, SEED)
    finally:
        end(run, engine, box)
