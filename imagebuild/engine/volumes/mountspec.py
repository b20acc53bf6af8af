# SPDX-License-Identifier: Apache-2.0
"""A mount as a client writes it, read as a Windows engine reads it: ``C:\\src:C:\\dst:ro``, ``name:D:``, a ``Mount``.

Source: moby 26.1 ``volume/mounts/windows_parser.go``, sentence for sentence. One thing is ours, because this engine
runs on Linux: a source may be a path of this machine (``/tmp/x:C:\\example``), and then it keeps its case.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from ...dockerapi import shapes
from ..gotext import quoted
from .hostpath import LONG, HostPaths, cleaned, is_native

Kind = Literal["bind", "volume", "npipe"]

# moby's expressions, with the folder's rewritten so that there is one way to match it: Go's engine needs no such care.
_PART = r'[^\\/:*?"<>|\r\n]+'
_HOST_DIR = rf"(?:\\\\\?\\)?[a-z]:[\\/](?:{_PART}(?:[\\/]{_PART})*[\\/]?)?"
_PIPE = r'[/\\]{2}\.[/\\]pipe[/\\][^:*?"<>|\r\n]+'  # moby's dot is any character, which it later takes for a folder
_TARGET = rf'(?:\\\\\?\\)?[a-z]:(?:[\\/][^\\/:*?"<>\r\n]+)*[\\/]?|{_PIPE}'
_MODE = r"(?::(?P<mode>ro|rw))?"
_SPEC = re.compile(rf"(?:(?P<source>{_HOST_DIR}|{_PART}|{_PIPE}):)?(?P<target>{_TARGET}){_MODE}")
_AFTER_NATIVE = re.compile(rf"(?P<target>{_TARGET}){_MODE}")
_IS_TARGET, _IS_HOST_DIR, _IS_NAME = re.compile(_TARGET), re.compile(_HOST_DIR), re.compile(_PART)
_IS_RESERVED = re.compile(r"con|prn|nul|aux|com[1-9]|lpt[1-9]")

PIPE = "\\\\.\\pipe\\"


class SpecError(ValueError):
    """A mount that cannot be, in moby's words."""


@dataclass(frozen=True, slots=True)
class Point:
    """One mount that was understood. ``source`` is the path of a bind or pipe as it is shown, ``name`` the volume's
    (empty: one without a name is made), ``destination`` a Windows path or pipe."""

    kind: Kind
    destination: str
    source: str = ""
    name: str = ""
    driver: str = ""
    writable: bool = True
    subpath: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


def parse_spec(raw: str, host: HostPaths, driver: str = "") -> Point:
    """A line of ``Binds``, or a path of ``Volumes``. All of it is lower-cased but a path of this machine."""
    source, target, mode = _split(raw, host)
    if not is_native(source):
        source = source.replace("/", "\\")
    options = shapes.VolumeOptions(driver_config=shapes.MountDriver(name=driver)) \
        if driver and _kind_of(source) == "volume" else None
    mount = shapes.Mount(type=_kind_of(source), source=source, target=target.replace("/", "\\"),
                         read_only=mode == "ro", volume_options=options)
    try:
        return parse_mount(mount, host)
    except SpecError as error:
        raise SpecError(f"{_invalid(raw)}: {error}") from None


def parse_mount(mount: shapes.Mount, host: HostPaths) -> Point:
    """A ``Mount``. Its texts keep their case."""
    check_mount(mount, host)
    options = mount.volume_options or shapes.VolumeOptions()
    config = options.driver_config or shapes.MountDriver()
    point = Point(_kind(mount), _without_end(mount.target.replace("/", "\\")), writable=not mount.read_only)
    if mount.type == "volume":
        return replace(point, name=mount.source, driver=config.name, subpath=options.subpath,
                       labels=options.labels or {}, options=config.options or {})
    if is_native(mount.source):
        return replace(point, source=cleaned(mount.source))
    return replace(point, source=_without_end(mount.source.replace("/", "\\")))


def check_mount(mount: shapes.Mount, host: HostPaths) -> None:
    """Refuse a ``Mount`` that Windows cannot have."""
    why = "field Target must not be empty" if not mount.target else _about_target(mount.target)
    if not why:
        about = {"bind": _about_bind, "volume": _about_volume, "npipe": _about_pipe}.get(mount.type)
        why = about(mount, host) if about else "mount type unknown"
    if why:
        raise SpecError(f"invalid mount config for type {quoted(mount.type)}: {why}")


def parse_volumes_from(spec: str) -> tuple[str, bool]:
    """A line of ``VolumesFrom``: a container by name or id, and whether its mounts stay writable."""
    if not spec:
        raise SpecError("volumes-from specification cannot be an empty string")
    name, _unused, mode = spec.partition(":")
    if mode and _lower(mode) not in ("ro", "rw"):
        raise SpecError(f"invalid mode: {mode}")
    return name, _lower(mode) != "ro"


def check_volume_name(name: str) -> str:
    """Why a name cannot be a volume's on Windows, or nothing. The driver has a narrower rule."""
    if not _IS_NAME.fullmatch(name):
        return "invalid volume name"
    if _IS_RESERVED.fullmatch(name):
        return f"volume name {quoted(name)} cannot be a reserved word for Windows filenames"
    return ""


def _split(raw: str, host: HostPaths) -> tuple[str, str, str]:
    """Source, target and mode of a line; the first and the last may be empty."""
    if is_native(raw):
        source, _unused, rest = raw.partition(":")
        found = _AFTER_NATIVE.fullmatch(_lower(rest))
    else:
        found = _SPEC.fullmatch(_lower(raw))
        source = (found["source"] or "") if found else ""
    if found is None:
        raise SpecError(_invalid(raw))
    target, mode = found["target"], found["mode"] or ""
    if not source:
        if not target.startswith(("\\\\.", "//.")):
            place = host.find(target)
            if place is not None and not place.is_folder:  # somebody meant to mount a file under its own name
                raise SpecError(f"file '{target}' cannot be mapped. Only directories can be mapped on this platform")
        if mode:
            raise SpecError(_invalid(raw))
    return source, target, mode


def _about_target(target: str) -> str:
    path = _lower(target.replace("/", "\\"))
    if path in ("c:", "c:\\"):
        return f"destination path cannot be `c:` or `c:\\`: {path}"
    names_no_pipe = path.rstrip("\\") == PIPE.rstrip("\\")  # moby takes it
    return "" if _IS_TARGET.fullmatch(_lower(target)) and not names_no_pipe else f"invalid mount path: '{target}'"


def _about_bind(mount: shapes.Mount, host: HostPaths) -> str:
    if not mount.source:
        return "field Source must not be empty"
    if mount.bind_options and mount.bind_options.propagation:
        return f"invalid propagation mode: {mount.bind_options.propagation}"
    if mount.volume_options is not None:
        return "field VolumeOptions must not be specified"
    if not is_native(mount.source) and not _IS_TARGET.fullmatch(_lower(mount.source)):
        return f"invalid mount path: '{mount.source}' mount path must be absolute"
    try:
        place = host.find(mount.source)
    except PermissionError:  # the fault that the caller raises
        return f"stat {mount.source}: permission denied" if is_native(mount.source) \
            else f"GetFileAttributesEx {mount.source}: Access is denied."
    if place is None:
        return f"bind source path does not exist: {mount.source}"
    return "" if place.is_folder else "source path must be a directory"


def _about_volume(mount: shapes.Mount, _host: HostPaths) -> str:
    if mount.bind_options is not None:
        return "field BindOptions must not be specified"
    subpath = mount.volume_options.subpath if mount.volume_options else ""
    if subpath and not mount.source:
        raise SpecError("must not set Subpath when using anonymous volumes")
    if subpath and not _is_local(subpath):
        return "subpath must be a relative path within the volume"
    if not mount.source:
        return "must not set ReadOnly mode when using anonymous volumes" if mount.read_only else ""
    return check_volume_name(mount.source)


def _about_pipe(mount: shapes.Mount, _host: HostPaths) -> str:
    if not mount.source:
        return "field Source must not be empty"
    if mount.bind_options is not None:
        return "field BindOptions must not be specified"
    if mount.read_only:
        return "field ReadOnly must not be specified"
    for end in (mount.source, mount.target):
        if not end.startswith(PIPE):
            return f"'{end}' is not a valid pipe path"
    return ""


def _kind_of(source: str) -> Kind:
    if source.startswith(PIPE):
        return "npipe"
    return "bind" if is_native(source) or _IS_HOST_DIR.fullmatch(source) else "volume"


def _kind(mount: shapes.Mount) -> Kind:
    return "bind" if mount.type == "bind" else "npipe" if mount.type == "npipe" else "volume"


def _is_local(path: str) -> bool:
    """Go's ``filepath.IsLocal`` on Windows: below the folder it is seen from, and no device."""
    path = path.replace("/", "\\")
    if path.startswith("\\") or ":" in path:
        return False
    depth = 0
    for part in path.split("\\"):
        if _IS_RESERVED.fullmatch(_lower(part.partition(".")[0].rstrip(" "))):
            return False
        depth += -1 if part == ".." else 0 if part in ("", ".") else 1
        if depth < 0:
            return False
    return ntpath.normpath(path) != ".." and bool(path)


def _without_end(path: str) -> str:
    """Without a backslash at the end, except ``c:\\``."""
    return path[:-1] if len(path) > 3 and path.endswith("\\") else path


def _lower(text: str) -> str:
    """Lower case character by character, as Go does it: the length never changes."""
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def _invalid(raw: str) -> str:
    return f"invalid volume specification: '{raw}'"


def is_pipe(destination: str) -> bool:
    """Whether a destination is a named pipe."""
    return destination.startswith(PIPE)


def plain_target(destination: str) -> str:
    """A destination as a sandbox wants it: no ``\\\\?\\``, and ``D:\\`` for a drive alone."""
    path = destination.removeprefix(LONG)
    return f"{path}\\" if len(path) == 2 else path
