# SPDX-License-Identifier: Apache-2.0
"""The view a stage begins with: the base's index, a table of well-known folders, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterable

from ...images.bases.base import CONFIG_FOLDER
from ...layer import Entry, Union
from ...oci import Config
from ...windows.acl.sddl import parse_sddl
from ...windows.folders import folders
from ..compose.view import Known, View


class _Below:
    """A union as a view's lower part."""

    def __init__(self, union: Union) -> None:
        self._union = union

    def get(self, path: str) -> Entry | None:
        """The entry a container would see."""
        found = self._union.get(path)
        return found.entry if found is not None else None

    def children(self, path: str) -> Iterable[Entry]:
        """What a container would see in a folder."""
        return [found.entry for found in self._union.children(path)]


def flavour_of(config: Config, name: str) -> str:
    """Which table of well-known folders fits a base: by its name, then by what its config says it needs."""
    text = name.lower()
    for flavour, words in (("hostprocess", ("host-process", "hostprocess")), ("nanoserver", ("nanoserver",)),
                           ("servercore", ("servercore", "windows/server", "iis", "dotnet/framework"))):
        if any(word in text for word in words):
            return flavour
    if "win32k" in config.os_features:
        return "servercore"
    return "nanoserver" if config.os_version else "hostprocess"


def root_security(flavour: str, build: int) -> bytes:
    """The descriptor of ``C:\\``, which no layer carries: ``Files`` is exported without one."""
    for folder in folders(flavour, build):
        if not folder.path:
            return parse_sddl(folder.sddl).to_bytes()
    raise AssertionError(f"the table for {flavour} has no C:\\")


def build_of(config: Config) -> int:
    """The build number in a config's os.version, 0 when it has none."""
    parts = config.os_version.split(".")
    return int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else 0


def over_union(union: Union, config: Config, name: str) -> View:
    """On top of an indexed base."""
    return View(_Below(union), root_security=root_security(flavour_of(config, name), build_of(config)))


def over_table(flavour: str, config: Config) -> View:
    """On top of a base whose blobs are not looked at."""
    build = build_of(config)
    return View(Known(folders(flavour, build)), root_security=root_security(flavour, build))


def over_nothing() -> View:
    """``FROM scratch``: only the folders on the way to the five hives, which every base layer has."""
    table = [folder for folder in folders("hostprocess", 0)
             if folder.path and folder.path == CONFIG_FOLDER[:len(folder.path)]]
    return View(Known(table), root_security=root_security("hostprocess", 0))
