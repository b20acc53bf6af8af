# SPDX-License-Identifier: Apache-2.0
r"""The registry of an image for Wine, and what a container made of it.

In: what the layers above the OS changed goes over a copy of Wine's own registry, and of the OS what programs ask for:
which Windows it is, its environment, its services. That is done once for an image. What only a container has (its
name) is written behind it as text, which Wine reads over the rest, so that starting one costs no parsing.

Out: the files before and after, compared. Wine's own writing is left out (``noise``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ...hive import (
    AddKey,
    Change,
    DeleteKey,
    DeleteValue,
    Edit,
    Key,
    KeyLike,
    SetValue,
    Union,
    Value,
    freeze,
    resolve_control_set,
)
from ...hive.edits.compare import differences, edits_between
from ...hive.edits.edit import moved
from ...hive.machine import CURRENT_VERSION, ENVIRONMENT
from ...hive.places import HIVES, HiveName
from ...hive.tree import SYMLINK, find, split
from ...windows.filetime import UNIX_EPOCH
from ...windows.upcase import fold
from . import noise
from .winereg import RegFile, parse
from .winereg_write import sections, write

VERSION_VALUES = frozenset(map(fold, (
    "BuildBranch", "BuildLab", "BuildLabEx", "CompositionEditionID", "CurrentBuild", "CurrentBuildNumber",
    "CurrentMajorVersionNumber", "CurrentMinorVersionNumber", "CurrentType", "CurrentVersion", "DisplayVersion",
    "EditionID", "InstallationType", "ProductName", "ReleaseId", "UBR")))
"""The values by which programs tell one Windows from another."""

MACHINE_OF_WINE = frozenset(map(fold, (
    "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE", "PROCESSOR_IDENTIFIER", "PROCESSOR_LEVEL", "PROCESSOR_REVISION",
    "USERNAME")))
"""Variables of a base that tell of the machine it was made on: Wine's own stay."""

SERVICES = r"CurrentControlSet\Services"
WIN32_SERVICE = 0x30
"""SERVICE_WIN32_OWN_PROCESS and _SHARE_PROCESS: programs; all others are drivers, which Wine cannot load."""
AUTO_START, DEMAND_START = 2, 3
SETTINGS = (r"Control\Lsa\FipsAlgorithmPolicy", r"Control\SecurityProviders\SCHANNEL\Protocols",
            r"Control\Session Manager\DOS Devices", r"Services\Dnscache\Parameters", r"Services\EventLog\Application",
            r"Services\EventLog\Security", r"Services\EventLog\System")
"""Keys of every Windows, below a control set, that Dockerfiles write into and Wine lacks: they and their values."""

_USER = HiveName("user", "", "HKEY_CURRENT_USER")
_CLASSES = HiveName("classes", "", r"HKEY_CURRENT_USER\Software\Classes")


@dataclass(frozen=True, slots=True)
class Sides:
    """One hive of an image: the root that its OS layers come to, and those of the deltas above, lowest first."""

    base: KeyLike
    deltas: tuple[KeyLike, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageRegistry:
    """The hives of an image that a program can see: ``HKLM\\SYSTEM``, ``HKLM\\SOFTWARE``, ``HKU\\.DEFAULT`` and the
    hive of the user whose registry Wine shows as ``HKCU``; each may be missing."""

    system: Sides | None = None
    software: Sides | None = None
    default: Sides | None = None
    user: Sides | None = None


@dataclass(frozen=True, slots=True)
class Prefix:
    """The three files of a Wine prefix."""

    system: RegFile
    user: RegFile
    userdef: RegFile

    @classmethod
    def parse(cls, system: bytes, user: bytes, userdef: bytes) -> Prefix:
        """Read the three; FormatError names the one that is wrong."""
        return cls(parse(system, source="system.reg"), parse(user, source="user.reg"),
                   parse(userdef, source="userdef.reg"))

    def write(self) -> tuple[bytes, bytes, bytes]:
        """``system.reg``, ``user.reg`` and ``userdef.reg``."""
        return write(self.system), write(self.user), write(self.userdef)


@dataclass(frozen=True, slots=True)
class ContainerNames:
    """What one container has of its own. ``build`` and ``revision`` are 0 where the image's registry says which."""

    hostname: str
    user: str = "ContainerAdministrator"
    build: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class HiveChange:
    """What a container changed in one hive: edits with paths below its root."""

    hive: HiveName
    edits: tuple[Edit, ...]

    def over(self, lower: KeyLike, *, timestamp: int = 0) -> Change:
        """The same over the hive of the image, ready for its :meth:`~imagebuild.hive.Change.delta`."""
        change = Change(lower, timestamp=timestamp)
        change.apply(*self.edits)
        return change


def merge(template: Prefix, image: ImageRegistry) -> Prefix:
    """The registry that containers of an image begin with."""
    machine: list[Edit] = []
    if image.system is not None:
        machine += _of_base_system(image.system.base)
        current = resolve_control_set(image.system.base, "CurrentControlSet")
        machine += (_set_one(edit, current) for edit in _above(image.system, "System"))
    if image.software is not None:
        machine += _version(image.software.base)
        machine += _above(image.software, "Software")
    return Prefix(_edited(template.system, machine),
                  _edited(template.user, _above(image.user, "") if image.user else ()),
                  _edited(template.userdef, _above(image.default, "") if image.default else ()))


def of_container(names: ContainerNames) -> tuple[bytes, bytes]:
    """What to append to an image's ``system.reg`` and ``user.reg`` for one container."""
    name = names.hostname[:15].upper()  # a NetBIOS name
    control = r"System\ControlSet001"
    computer = Key("", (Value.sz("ComputerName", name),))
    machine: list[tuple[str, Key]] = [
        (rf"{control}\Control\ComputerName\ComputerName", computer),
        (rf"{control}\Control\ComputerName\ActiveComputerName", computer),
        (rf"{control}\Services\Tcpip\Parameters",
         Key("", (Value.sz("Hostname", names.hostname), Value.sz("NV Hostname", names.hostname))))]
    if names.build:
        build = str(names.build)
        machine.append((rf"Software\{CURRENT_VERSION}", Key("", (
            Value.sz("CurrentBuild", build), Value.sz("CurrentBuildNumber", build),
            Value.dword("CurrentMajorVersionNumber", 10), Value.dword("CurrentMinorVersionNumber", 0),
            Value.sz("CurrentVersion", "6.3"), Value.dword("UBR", names.revision)))))
    user = ("Volatile Environment", Key("", (
        Value.sz("LOGONSERVER", "\\\\" + name), Value.sz("USERDOMAIN", name), Value.sz("USERNAME", names.user))))
    return sections(machine), sections([user])


def changes_of(before: Prefix, after: Prefix) -> tuple[HiveChange, ...]:
    """What a container changed, hive by hive; hives without a change are not there.

    Keys are compared by name and values. Times, security (Wine keeps none) and what Wine writes by itself do not count;
    nor do classes, which an edit cannot say.
    """
    found: dict[HiveName, list[Edit]] = {}
    filtered = noise.Filter(noise.MACHINE)
    for edit in _edits(before.system.root, after.system.root, filtered):
        top, *rest = split(edit.path)
        hive = HIVES.get(fold(top)) if fold(top) in ("SYSTEM", "SOFTWARE") else None
        if hive is not None and (rest or not isinstance(edit, DeleteKey)):
            found.setdefault(hive, []).append(moved(edit, "\\".join(rest)))
    filtered = noise.Filter(noise.USER)
    for edit in _edits(before.user.root, after.user.root, filtered):
        parts = split(edit.path)
        if [fold(part) for part in parts[:2]] == ["SOFTWARE", "CLASSES"]:
            if len(parts) > 2 or not isinstance(edit, DeleteKey):
                found.setdefault(_CLASSES, []).append(moved(edit, "\\".join(parts[2:])))
        else:
            found.setdefault(_USER, []).append(edit)
    edits = list(_edits(before.userdef.root, after.userdef.root, filtered))
    if edits:
        found[HIVES["DEFAULT"]] = edits
    # An AddKey of a hive's own root says nothing.
    kept = {hive: tuple(edit for edit in edits if edit.path or not isinstance(edit, AddKey))
            for hive, edits in found.items()}
    return tuple(HiveChange(hive, edits) for hive, edits in kept.items() if edits)


def _edits(before: KeyLike, after: KeyLike, filtered: noise.Filter) -> Iterator[Edit]:
    for change in differences(before, after):
        shown = change.after if change.after is not None else change.before
        assert shown is not None
        if filtered.takes(change.path) or shown.flags & SYMLINK:
            continue
        if change.after is None:
            yield DeleteKey(change.path)
        elif change.before is None:
            yield from (edit for edit in _whole(change.after, change.path) if not filtered.takes(edit.path))
        else:
            for value in change.values:
                if value.after is None:
                    yield DeleteValue(change.path, value.name())
                else:
                    yield SetValue(change.path, value.after)


def _whole(key: KeyLike, path: str) -> Iterator[Edit]:
    """A key that came, with all below it but links."""
    stack = [(path, key)]
    while stack:
        path, key = stack.pop()
        if key.flags & SYMLINK:
            continue
        yield AddKey(path)
        for value in key.values:
            yield SetValue(path, value)
        stack += [(f"{path}\\{child.name}", child) for child in reversed(key.subkeys)]


def _above(sides: Sides, top: str) -> Iterator[Edit]:
    """What the layers above the OS changed in a hive, below ``top``."""
    if sides.deltas:
        yield from edits_between(Union(sides.base).root, Union(sides.base, *sides.deltas).root, top)


def _set_one(edit: Edit, current: str) -> Edit:
    """The edit as Wine has it, whose current control set is always ControlSet001."""
    names = split(edit.path)
    if len(names) > 1 and fold(names[1]) == fold(current):
        return moved(edit, "\\".join((names[0], "ControlSet001", *names[2:])))
    return edit


def _version(software: KeyLike) -> Iterator[Edit]:
    key = find(software, CURRENT_VERSION)
    for value in key.values if key is not None else ():
        if fold(value.name) in VERSION_VALUES:
            yield SetValue(rf"Software\{CURRENT_VERSION}", value)


def _of_base_system(system: KeyLike) -> Iterator[Edit]:
    key = find(system, resolve_control_set(system, ENVIRONMENT))
    for value in key.values if key is not None else ():
        if fold(value.name) not in MACHINE_OF_WINE:
            yield SetValue(r"System\ControlSet001\Control\Session Manager\Environment", value)
    key = find(system, resolve_control_set(system, r"CurrentControlSet\Control\ProductOptions"))
    kind = key.values.get("ProductType") if key is not None else None
    if kind is not None:
        yield SetValue(r"System\ControlSet001\Control\ProductOptions", kind)
    for path in SETTINGS:
        key = find(system, resolve_control_set(system, rf"CurrentControlSet\{path}"))
        if key is not None:
            yield AddKey(rf"System\ControlSet001\{path}")
        for value in key.values if key is not None else ():
            yield SetValue(rf"System\ControlSet001\{path}", value)
    services = find(system, resolve_control_set(system, SERVICES))
    for service in services.subkeys if services is not None else ():
        yield from _service(service)


def _service(service: KeyLike) -> Iterator[Edit]:
    """A service of the base, to be seen and asked about; its program is not there, so it never starts by itself."""
    kind = service.values.get("Type")
    if kind is None or not kind.number() & WIN32_SERVICE:
        return
    path = rf"System\ControlSet001\Services\{service.name}"
    for value in service.values:
        if fold(value.name) == "START" and value.number() <= AUTO_START:
            value = Value.dword(value.name, DEMAND_START)
        yield SetValue(path, value)


def _edited(file: RegFile, edits: Iterable[Edit]) -> RegFile:
    change = Change(file.root, timestamp=UNIX_EPOCH)
    for edit in edits:
        change.apply(edit)
    return replace(file, root=freeze(change.result()))
