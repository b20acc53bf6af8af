# SPDX-License-Identifier: Apache-2.0
"""``${PATH}`` of a base: Windows images have it in the registry, not in their config."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..dockerfile import Dockerfile
from ..errors import UnsupportedError
from ..hive import machine_environment, read
from ..images.rootfs import Rootfs
from ..windows.upcase import fold

PathReader = Callable[[], "str | None"]
_PATH = re.compile(r"\$\{?path\b", re.IGNORECASE)
_NEVER_EXPANDED = ("RUN", "CMD", "ENTRYPOINT", "SHELL", "HEALTHCHECK")


def asks_for_path(dockerfile: Dockerfile) -> bool:
    """Whether an instruction may need PATH: the registry is looked at only then."""
    return any(_PATH.search(item.text) for item in dockerfile.instructions if item.keyword not in _NEVER_EXPANDED)


def cannot_read(why: str) -> PathReader:
    def fail() -> str | None:
        raise UnsupportedError("cannot resolve ${PATH}", why=why,
                               hint="write the folders out: ENV PATH=C:\\Windows\\System32;C:\\Windows;…")

    return fail


def registry_path(rootfs: Rootfs) -> str | None:
    """PATH as the machine variables in an image's registry have it. UnsupportedError when a layer above the base
    changes the registry: reading that needs delta hives."""
    for index in rootfs.union().indexes[1:]:
        if index.get("Hives/System_Delta") is not None:
            cannot_read("a layer above the base changes the registry, and this version does not read delta hives")()
    kept = {name: rootfs.union().indexes[0].kept(f"Files/Windows/System32/config/{name}")
            for name in ("SYSTEM", "SOFTWARE")}
    if not kept["SYSTEM"]:
        return None
    roots = {name: read(data, source=f"{name} of {rootfs.name}").root for name, data in kept.items() if data}
    machine = machine_environment(roots["SYSTEM"], roots.get("SOFTWARE"))
    for name, value in machine.items():
        if fold(name) == "PATH":
            return value
    return None
