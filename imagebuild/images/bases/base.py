# SPDX-License-Identifier: Apache-2.0
"""Bases of our own: from scratch, as HostProcess containers use them, and stand-ins for Microsoft's.

A stand-in has the folders, ACLs, accounts, minimal hives and ``os.version`` of a Microsoft base and none of its
programs: good for building, tests and demos, and labelled so that nobody takes it for the real thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ...codec import Compression
from ...errors import UsageError, quoted
from ...layer import Entry, Kind, LayerWriter, Times
from ...oci import Config, Descriptor, History, Image, RunConfig, append, create
from ...stores import Store
from ...windows import attributes as attribute
from ...windows.acl.sddl import parse_sddl
from ...windows.filetime import DOS_EPOCH, to_iso
from ...windows.folders import folders
from ...windows.upcase import fold
from ..put import put_image, put_layer
from .hives import NAMES, empty_hives, stand_in_hives

Flavour = Literal["scratch", "nanoserver", "servercore", "server", "hostprocess"]

STAND_IN_LABEL = "io.wcow.stand-in"
"""The label of a stand-in; its value is the image it stands in for."""

CONFIG_FOLDER = ("Windows", "System32", "config")
HIVE_SDDL = "O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)"
"""A hive file in System32\\config: inherited from the folder, SYSTEM and Administrators only [inferred]."""

NAMES_OF = {"nanoserver": "mcr.microsoft.com/windows/nanoserver", "servercore": "mcr.microsoft.com/windows/servercore",
            "server": "mcr.microsoft.com/windows/server",
            "hostprocess": "mcr.microsoft.com/oss/kubernetes/windows-host-process-containers-base-image"}

VERSIONED = frozenset({"nanoserver", "servercore", "server"})
"""Stand-ins that are of one version of Windows."""
WITH_POWERSHELL = frozenset({NAMES_OF["servercore"], NAMES_OF["server"], "mcr.microsoft.com/windows"})
"""The images whose Windows has Windows PowerShell 5.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRequest:
    """A base to make. ``epoch`` is the FILETIME of everything in it; ``os_version`` is ``10.0.build.revision``, or
    empty for a base that runs on every Windows (HostProcess)."""

    flavour: Flavour = "scratch"
    os_version: str = ""
    architecture: str = "amd64"
    epoch: int = DOS_EPOCH
    compression: Compression = field(default_factory=Compression)
    labels: tuple[tuple[str, str], ...] = ()


def make_base(request: BaseRequest, store: Store, *, tag: str | None = None) -> tuple[Image, Descriptor]:
    """Write the base into ``store`` and name it. UsageError for a flavour that needs an ``os.version`` and has none."""
    flavour = request.flavour
    if flavour in VERSIONED and request.os_version.count(".") != 3:
        raise UsageError(f"a stand-in for {flavour} needs a version",
                         why=f"{quoted(request.os_version)} is not of the form 10.0.BUILD.REVISION"
                         if request.os_version else "Windows picks bases by their os.version",
                         hint="--os-version 10.0.20348.2762")
    layer = put_layer(store, lambda writer: _fill(writer, request), request.compression, base=True)
    created = to_iso(request.epoch)
    labels = dict(request.labels)
    if flavour != "scratch":
        labels[STAND_IN_LABEL] = NAMES_OF[flavour]
    run = RunConfig(labels=tuple(sorted(labels.items())))
    if flavour in VERSIONED:
        run = RunConfig(user="ContainerUser" if flavour == "nanoserver" else "", labels=run.labels,
                        cmd=(r"c:\windows\system32\cmd.exe",))
    config = Config(os="windows", architecture=request.architecture, os_version=request.os_version,
                    os_features=("win32k",) if flavour in ("servercore", "server") else (), created=created, run=run)
    what = "a base from scratch" if flavour == "scratch" else f"a stand-in for {NAMES_OF[flavour]}"
    image = append(create(config), layer.descriptor, layer.diff_id,
                   History(created=created, created_by=f"wcow base create ({what})"))
    return image, put_image(store, image, tag=tag)


def _fill(writer: LayerWriter, request: BaseRequest) -> None:
    for entry, content in entries(request):
        writer.add(entry, content)


def entries(request: BaseRequest) -> Iterator[tuple[Entry, bytes | None]]:
    """Every entry of the base's one layer, parents first."""
    times = Times.all(request.epoch)
    yield Entry("Files", Kind.DIRECTORY, attributes=attribute.DIRECTORY, times=times), None
    build = int(request.os_version.split(".")[2]) if request.os_version else 0
    table = "hostprocess" if request.flavour == "scratch" else request.flavour
    listed = [folder for folder in folders(table, build) if folder.path]
    if request.flavour == "scratch":
        listed = [folder for folder in listed if folder.path == CONFIG_FOLDER[:len(folder.path)]]
    made = sorted(((("Files", *folder.path)), folder) for folder in listed)
    out = [Entry("/".join(path), Kind.DIRECTORY, attributes=folder.attributes, times=times,
                 security=parse_sddl(folder.sddl).to_bytes()) for path, folder in made]
    out.sort(key=lambda entry: fold(entry.path).replace("/", "\0"))
    for entry in out:
        yield entry, None
    hives = (empty_hives() if request.flavour in ("scratch", "hostprocess")
             else stand_in_hives(request.flavour, request.os_version, request.architecture, request.epoch))
    for name in NAMES:
        data = hives[name]
        yield Entry("/".join(("Files", *CONFIG_FOLDER, name)), Kind.FILE, len(data), attribute.ARCHIVE,
                    parse_sddl(HIVE_SDDL).to_bytes(), times), data
