# SPDX-License-Identifier: Apache-2.0
"""Images for containers: Microsoft's bases on a Windows host, stand-ins for them on the embedded engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._places import state_folder

if TYPE_CHECKING:
    from imagebuild.containers import Base

    from .._run import Run
    from .engine import Engine

PULL_SECONDS = 3600.0


def base_image(run: Run, engine: Engine, base: Base) -> str:
    """The name of the image of a base on an engine. On the embedded one a stand-in is brought where it is missing."""
    from imagebuild.containers import base_reference

    if not engine.embedded:
        return base_reference(base, engine.build)
    name = stand_in_name(engine, base)
    if image_of(engine, name) is None:
        with once(engine, name):
            if image_of(engine, name) is None:
                with run.span("pull", name):
                    _bring_stand_in(engine, base, name)
    return name


def stand_in_name(engine: Engine, base: str) -> str:
    """The name under which an engine has the stand-in for a base. No registry has it."""
    return f"wcow.invalid/stand-in/{base}:10.0.{engine.build}"


def image_of(engine: Engine, name: str) -> dict[str, Any] | None:
    """What the engine says of an image that it has, ``None`` when it has none of that name."""
    from imagebuild.dockerapi import faults

    try:
        found: dict[str, Any] = engine.client.json("GET", f"/images/{name}/json")
    except faults.NotFound:
        return None
    return found


def expect_image(run: Run, engine: Engine, name: str) -> dict[str, Any]:
    """What the engine says of an image, which is pulled once for all processes where it is missing."""
    found = image_of(engine, name)
    if found is None:
        with once(engine, name):
            found = image_of(engine, name)
            if found is None:
                with run.span("pull", name):
                    _pull(engine, name)
                found = image_of(engine, name)
    assert found is not None
    return found


def image_document(run: Run, engine: Engine, name: str) -> dict[str, Any]:
    """The same, asked once for each image and process."""
    if name not in run.images:
        run.images[name] = expect_image(run, engine, name)
    return run.images[name]


@contextmanager
def once(engine: Engine, name: str) -> Iterator[None]:
    """Let one process of this machine at a time do something with an image of an engine."""
    from imagebuild.files import locked

    folder = state_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(f"{engine.address} {name}".encode()).hexdigest()[:20]
    with locked(folder / f"image-{key}.lock", PULL_SECONDS):
        yield


def _pull(engine: Engine, name: str) -> None:
    """Pull an image, on the embedded engine from the local store where it is there."""
    from imagebuild.errors import DaemonError

    from .._report.trouble import remedy

    if engine.embedded:
        from imagebuild.images import bring_image
        from imagebuild.oci import Platform
        from imagebuild.wiring import Settings, open_library

        with open_library(Settings()) as library:
            bring_image(engine.client, library, name, Platform("windows", "amd64"))
        return
    for line in engine.client.lines("POST", "/images/create", query={"fromImage": name}, silence=PULL_SECONDS):
        if isinstance(line, dict) and line.get("error"):
            raise DaemonError(f"cannot pull {name}", status=500, why=str(line["error"]),
                              hint=remedy(str(line["error"])))


def _bring_stand_in(engine: Engine, base: Base, name: str) -> None:
    from imagebuild.codec import Compression
    from imagebuild.images import BaseRequest, bring_stand_in

    bring_stand_in(engine.client, BaseRequest(flavour=base, os_version=f"10.0.{engine.build}.1",
                                              compression=Compression.parse("gzip:1")), name)
