# SPDX-License-Identifier: Apache-2.0
"""``${PATH}`` of a base: Windows images have it in the registry, not in their config."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...dockerfile import Dockerfile
from ...errors import NotFoundError, UnsupportedError
from ...events import result_of
from ...images.inspect.rootfs import Rootfs
from ...windows.upcase import fold

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
    """PATH as the machine variables in an image's registry have it: base and deltas. None where it has none."""
    from ...hive import machine_environment
    from ...hive.places import HIVES
    from ...images.hives.read import Registry  # few builds ask for PATH

    registry = Registry(rootfs)
    try:
        system = result_of(registry.root(HIVES["SYSTEM"]))
    except NotFoundError:
        return None
    try:
        software = result_of(registry.root(HIVES["SOFTWARE"]))
    except NotFoundError:
        software = None
    for name, value in machine_environment(system, software).items():
        if fold(name) == "PATH":
            return value
    return None
