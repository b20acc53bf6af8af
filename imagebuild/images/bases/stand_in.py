# SPDX-License-Identifier: Apache-2.0
"""A stand-in of ours into an engine, in one step."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ...dockerapi import Client, faults
from ...errors import DaemonError
from ...stores import ArchiveStore
from ..bring import LOAD_SECONDS
from .base import BaseRequest, make_base


def bring_stand_in(client: Client, request: BaseRequest, name: str) -> None:
    """Make a stand-in and load it into an engine under a name; nothing where the engine has an image of that name.

    DaemonError when the engine refuses it.
    """
    try:
        client.json("GET", f"/images/{name}/json")
        return
    except faults.NotFound:
        pass
    with tempfile.TemporaryDirectory(prefix="wcow-stand-in-") as folder:
        path = Path(folder, "image.tar")
        with ArchiveStore(path, create=True) as archive:
            make_base(request, archive, tag=name)
        with path.open("rb") as stream:
            for line in client.lines("POST", "/images/load", query={"quiet": True},
                                     body=iter(lambda: stream.read(1 << 20), b""), deadline=LOAD_SECONDS,
                                     silence=LOAD_SECONDS):
                if isinstance(line, dict) and line.get("error"):
                    raise DaemonError(f"the engine does not take a stand-in for {request.flavour}", status=500,
                                      why=str(line["error"]))
