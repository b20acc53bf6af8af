# SPDX-License-Identifier: Apache-2.0
"""Bring an image to an engine, as the local store or a registry has it."""

from __future__ import annotations

from collections import deque

from ..dockerapi import Client, faults
from ..errors import DaemonError, NotFoundError
from ..files import scratch
from ..oci import Location, Platform
from ..stores import ArchiveStore
from .copy import copy
from .library import Library

LOAD_SECONDS = 3600.0
"""What an engine has to take an image, most of which is for unpacking it."""


def bring_image(client: Client, library: Library, name: str, platform: Platform) -> str:
    """See that an engine has the image ``name`` as the library has it, and return its id there.

    The engine's own image is taken where the library has none of that name on this machine: a registry is asked only
    for an image that the engine does not have. NotFoundError when none has it; DaemonError when the engine refuses it.
    """
    try:
        theirs = str(client.json("GET", f"/images/{name}/json")["Id"])
    except faults.Fault:
        theirs = ""
    try:
        found = (library.here() if theirs else library).find(name, platform)
    except NotFoundError:
        if theirs:
            return theirs
        raise
    identifier = str(found.image.manifest.config.digest)
    if theirs == identifier:
        return identifier
    location = Location.parse(name)
    with scratch("wcow-run-") as folder:
        path = folder / "image.tar"
        with ArchiveStore(path, create=True) as archive:
            tag = str(location.reference.tagged()) if location.reference is not None else None
            deque(copy(found.store, found.descriptor, archive, tag=tag, name=name, foreign=True), maxlen=0)
        with path.open("rb") as stream:
            for line in client.lines("POST", "/images/load", query={"quiet": True},
                                     body=iter(lambda: stream.read(1 << 20), b""), deadline=LOAD_SECONDS,
                                     silence=LOAD_SECONDS):
                if isinstance(line, dict) and line.get("error"):
                    raise DaemonError(f"the engine does not take {name}", status=500, why=str(line["error"]))
    return identifier
