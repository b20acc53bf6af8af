# SPDX-License-Identifier: Apache-2.0
"""Images for containers: Microsoft's bases on a Windows host, stand-ins for them on the embedded engine."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuild.containers import Base

    from ._engine import Engine


def base_image(engine: Engine, base: Base) -> str:
    """The name of the image of a base on an engine; a stand-in is brought where it is missing."""
    from imagebuild.containers import base_reference
    from imagebuild.dockerapi import faults

    if not engine.embedded:
        return base_reference(base, int(engine.build or 0))
    name = f"wcow.invalid/stand-in/{base}:10.0.{engine.build}"
    try:
        engine.client.json("GET", f"/images/{name}/json")
    except faults.NotFound:
        _bring_stand_in(engine, base, name)
    return name


def _bring_stand_in(engine: Engine, base: Base, name: str) -> None:
    from imagebuild.codec import Compression
    from imagebuild.errors import DaemonError
    from imagebuild.images import BaseRequest, make_base
    from imagebuild.stores import ArchiveStore

    with tempfile.TemporaryDirectory(prefix="wcow-stand-in-") as folder:
        path = Path(folder, "image.tar")
        with ArchiveStore(path, create=True) as archive:
            make_base(BaseRequest(flavour=base, os_version=f"10.0.{engine.build}.1",
                                  compression=Compression.parse("gzip:1")), archive, tag=name)
        for line in engine.client.lines("POST", "/images/load", query={"quiet": True}, body=path.read_bytes()):
            if isinstance(line, dict) and line.get("error"):
                raise DaemonError(f"the engine does not take a stand-in for {base}", status=500, why=str(line["error"]))
