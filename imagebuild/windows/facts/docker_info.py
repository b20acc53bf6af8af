# SPDX-License-Identifier: Apache-2.0
"""What an engine's answers say of its machine: ``/info`` and ``/version`` of the Docker Engine API.

The same documents come from ``docker info --format json`` and ``docker version --format json``. They were made by other
people's programs, perhaps long ago: whatever has another form than expected is not known. Fields: moby
``api/swagger.yaml`` (SystemInfo, SystemVersion); strings: moby ``pkg/parsers/operatingsystem`` and
``pkg/parsers/kernel``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .host import EngineFacts, HostFacts, Product, Store, WindowsVersion

_KERNEL = re.compile(r"(\d{1,5})\.(\d{1,5}) (\d{1,5})(?: \(([^)]{1,200})\))?.*", re.DOTALL)
_OS_BUILD = re.compile(r"\(OS Build (\d{1,5})(?:\.(\d{1,9}))?\)")
_OS_VERSION = re.compile(r"\bVersion (\w{1,20})\b")
_BUILD_LAB = re.compile(r"(\d{1,5})\.(\d{1,9})\.([a-z0-9]{1,20}?)(?:fre|chk)(?:\.([\w]{1,60}))?(?:\..*)?",
                        re.IGNORECASE)
_GO = {"x86_64": "amd64", "amd64": "amd64", "x64": "amd64", "aarch64": "arm64", "arm64": "arm64", "i386": "386",
       "i686": "386", "x86": "386", "armv7l": "arm", "arm": "arm"}
_GRAPHDRIVERS = frozenset({"windowsfilter", "lcow", "overlay2", "overlay", "aufs", "devicemapper", "vfs", "btrfs",
                           "zfs", "fuse-overlayfs"})
_SNAPSHOTTERS = frozenset({"windows", "windows-lcow", "cimfs", "overlayfs", "native", "stargz", "blockfile", "erofs",
                           "nydus", "soci"})


@dataclass(frozen=True, slots=True)
class BuildLab:
    """``BuildLabEx`` taken apart: ``26100.1.amd64fre.ge_release.240331-1435``. ``core`` is the kernel family; the
    number after it is no revision of the machine on any release after 1607."""

    core: int
    number: int
    architecture: str
    branch: str


@dataclass(frozen=True, slots=True)
class SystemString:
    """An engine's ``OperatingSystem`` taken apart; ``display`` is what Windows calls its version, perhaps empty."""

    product: Product
    display: str
    build: int | None
    revision: int | None


def go_architecture(text: str) -> str:
    """Go's name (``amd64``) for what Windows, Linux or Docker call an architecture; unknown ones as they are."""
    return _GO.get(text.strip().lower(), text.strip().lower())


def parse_build_lab(text: str) -> BuildLab | None:
    """``BuildLabEx``, or the part of a ``KernelVersion`` in parentheses; ``None`` for anything else."""
    found = _BUILD_LAB.fullmatch(text.strip()) if text.isascii() else None
    if found is None:
        return None
    return BuildLab(int(found[1]), int(found[2]), go_architecture(found[3]), found[4] or "")


def parse_kernel(text: str) -> tuple[WindowsVersion, BuildLab | None] | None:
    """``10.0 20348 (20348.1.amd64fre.fe_release.210507-1500)`` as version (never with a revision) and build lab;
    ``None`` for a kernel that is not Windows'."""
    found = _KERNEL.fullmatch(text.strip()) if text.isascii() else None
    if found is None:
        return None
    return WindowsVersion(int(found[1]), int(found[2]), int(found[3])), parse_build_lab(found[4] or "")


def parse_operating_system(text: str) -> SystemString | None:
    """``Microsoft Windows Server Version 21H2 (OS Build 20348.169)``, since 23.0, or ``Windows 10 Pro Version 2009 (OS
    Build 19042.804)``, before it; ``None`` where there is no Windows in it. The revision stands nowhere else."""
    if "windows" not in text.lower():
        return None
    build, version = _OS_BUILD.search(text) if text.isascii() else None, _OS_VERSION.search(text)
    server = re.search(r"\bserver\b", text, re.IGNORECASE) is not None
    # Before 18.03 there was no build at the end, and the name alone may be in any language.
    product: Product = "server" if server else "client" if build else ""
    display = version[1] if version else ""
    if not build:
        return SystemString(product, display, None, None)
    return SystemString(product, display, int(build[1]), None if build[2] is None else int(build[2]))


def store_of(info: Mapping[str, Any]) -> Store:
    """How an engine keeps images, by ``DriverStatus``, else by its ``Driver``'s name; empty when neither says it."""
    status = info.get("DriverStatus")
    for row in status if isinstance(status, list) else ():
        if isinstance(row, list) and len(row) == 2 and row[0] == "driver-type" and isinstance(row[1], str):
            # moby daemon/containerd/service.go, LayerStoreStatus
            return "containerd" if row[1].startswith("io.containerd.snapshotter") else ""
    driver = _text(info, "Driver")
    return "graphdriver" if driver in _GRAPHDRIVERS else "containerd" if driver in _SNAPSHOTTERS else ""


def engine_of(info: Mapping[str, Any], version: Mapping[str, Any] | None = None) -> EngineFacts:
    """The engine behind ``docker info`` and, where there is one, ``docker version`` (whole, or its ``Server``)."""
    server = _server(version)
    return EngineFacts(
        kind="docker", version=_text(info, "ServerVersion") or _text(server, "Version"),
        os=_text(info, "OSType") or _text(server, "Os"), store=store_of(info), isolation=_text(info, "Isolation"),
        api=_text(server, "ApiVersion"), min_api=_text(server, "MinAPIVersion"), name=_text(info, "Name"))


def host_of(info: Mapping[str, Any], version: Mapping[str, Any] | None = None) -> HostFacts:
    """The machine that an engine runs on, as far as its answers go. Of Docker Desktop in Linux mode, and of Docker
    Toolbox, that is the Linux in a virtual machine and not the Windows around it."""
    server = _server(version)
    engine = engine_of(info, version)
    kernel = parse_kernel(_text(info, "KernelVersion") or _text(server, "KernelVersion"))
    said = parse_operating_system(_text(info, "OperatingSystem"))
    architecture = go_architecture(_text(info, "Architecture") or _text(server, "Arch"))
    source = "docker info" if info else "docker version"
    if engine.os != "windows" and not (kernel and not engine.os):
        return HostFacts(os=engine.os, architecture=architecture, engine=engine, name=engine.name, source=source)
    return HostFacts(
        version=_version(kernel[0] if kernel else None, said, _text(info, "OSVersion")),
        core=kernel[1].core if kernel and kernel[1] else None, product=said.product if said else "",
        architecture=architecture, engine=engine, name=engine.name, source=source)


def _version(kernel: WindowsVersion | None, said: SystemString | None, os_version: str) -> WindowsVersion | None:
    """The version from whichever answer has it, with the revision where it belongs to the same build."""
    version = kernel
    if version is None:
        digits = re.fullmatch(r"(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?:\..*)?", os_version) if os_version.isascii() else None
        version = WindowsVersion(*map(int, digits.groups())) if digits else None
    if said is None or said.build is None:
        return version
    if version is None:
        return WindowsVersion(10, 0, said.build, said.revision)
    if version.build != said.build:
        return version
    return WindowsVersion(version.major, version.minor, version.build, said.revision)


def _server(version: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The engine's part of ``docker version``: the API's answer is that part alone."""
    if version is None:
        return {}
    server = version.get("Server")
    return server if isinstance(server, Mapping) else version if "Client" not in version else {}


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value.strip() if isinstance(value, str) else ""
