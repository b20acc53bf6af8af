# SPDX-License-Identifier: Apache-2.0
"""Where settings come from: the command line over the environment over the configuration file over the defaults.

The file is ``wcow.toml``, or ``[tool.wcow]`` of ``pyproject.toml``, in the working directory or the nearest above it::

    store = "~/images"                 # the local store
    ca_file = "corp-root.pem"          # relative to this file
    insecure = ["registry.lab:5000"]   # or true: every registry
    offline = false
    air_gapped = true                  # ask mirrors only, and push to mirrors only
    retries = 5

    [mirrors]
    "mcr.microsoft.com" = "localhost:5000"

    [download]
    "https://github.com/" = "https://mirror.example/github/"

    [hosts.build1]                     # no password: WCOW_HOST_PASSWORD, --password-stdin or the keyring
    address = "winrm://Administrator@build1.example"
    ca = "corp-root.pem"
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import FormatError, InputError, NotFoundError, UsageError, quoted
from ..fetch import DownloadMap
from ..stores import Mirrors
from ..wiring import Settings

FILE = "wcow.toml"
TRUE, FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off", ""})

Values = dict[str, Any]
"""Settings by the names of :class:`Settings`, only those that were given."""


@dataclass(frozen=True, slots=True)
class File:
    """A configuration file that was read; ``path`` is ``None`` when there is none."""

    path: Path | None = None
    values: Values = field(default_factory=dict)


# --- the file ---------------------------------------------------------------------------------------------------------

def load(given: str | None, start: Path) -> File:
    """Read the file that was named, or the nearest one at or above ``start``.

    NotFoundError when a named file is not there; FormatError and InputError, with file and key, when it is wrong.
    """
    if given:
        path = Path(given)
        table = _table(path)
        if table is None:
            raise InputError(f"cannot use {path}", why="it has no table [tool.wcow]")
        return File(path, check(table, path))
    for folder in (start, *start.parents):
        for name in (FILE, "pyproject.toml"):
            path = folder / name
            if path.is_file() and (table := _table(path)) is not None:
                return File(path, check(table, path))
    return File()


def _table(path: Path) -> dict[str, Any] | None:
    """The settings in a TOML file; ``None`` for a ``pyproject.toml`` that has none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"there is no configuration file {path}", path=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot read {path}", why=error.strerror or str(error)) from error
    project = path.name == "pyproject.toml"
    if project and b"wcow" not in data:
        return None  # somebody else's file, which may even be broken: no business of ours
    import tomllib

    try:
        table: Any = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"cannot read {path}", source=str(path), why=f"not TOML: {error}") from None
    if project:
        table = table.get("tool", {}).get("wcow")
    if table is None or isinstance(table, dict):
        return table
    raise InputError(f"{path}: tool.wcow is no table")


def check(table: Mapping[str, Any], path: Path) -> Values:
    """The settings of a table. InputError for a key that does not exist (with the one that was meant) or a value of
    the wrong kind."""
    out: Values = {}
    for key, value in table.items():
        read = _KEYS.get(key)
        if read is None:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            raise InputError(f"{path}: unknown key '{key}'",
                             why=f"did you mean '{near[0]}'?" if near else "",
                             hint=f"keys are {', '.join(sorted(_KEYS))}", path=str(path), key=key)
        out.update(read(_Place(path, key), value))
    return out


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands, for errors."""

    path: Path
    key: str

    def wrong(self, wanted: str) -> InputError:
        return InputError(f"{self.path}: '{self.key}' must be {wanted}", path=str(self.path), key=self.key)


def _path(place: _Place, value: object) -> Values:
    if not isinstance(value, str) or not value:
        raise place.wrong("a path in quotes")
    try:
        return {place.key: place.path.parent / Path(value).expanduser()}
    except RuntimeError:
        raise place.wrong(f"a path, and {quoted(value)} begins with a user this machine does not know") from None


def _ca(place: _Place, value: object) -> Values:
    return {"ca_file": str(_path(place, value)[place.key])}


def _flag(place: _Place, value: object) -> Values:
    if not isinstance(value, bool):
        raise place.wrong("true or false")
    return {place.key: value}


def _text(place: _Place, value: object) -> Values:
    if not isinstance(value, str):
        raise place.wrong("a text in quotes")
    return {place.key: value}


def _retries(place: _Place, value: object) -> Values:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 100:
        raise place.wrong("a number from 1 to 100")
    return {place.key: value}


def _insecure(place: _Place, value: object) -> Values:
    if isinstance(value, bool):
        return {"insecure": value}
    if isinstance(value, list) and all(isinstance(host, str) for host in value):
        return {"insecure_registries": tuple(value)}
    raise place.wrong("true, false or a list of registries")


def _mirrors(place: _Place, value: object) -> Values:
    if not isinstance(value, dict):
        raise place.wrong("a table: [mirrors], then \"mcr.microsoft.com\" = \"localhost:5000\"")
    rules: list[str] = []
    for name, mirrors in value.items():
        for mirror in mirrors if isinstance(mirrors, list) else [mirrors]:
            if not isinstance(mirror, str):
                raise _Place(place.path, f"mirrors.{name}").wrong("a place or a list of places, in quotes")
            rules.append(f"{name}={mirror}")
    try:
        Mirrors.parse(rules)
    except UsageError as error:
        raise InputError(f"{place.path}: 'mirrors': {error.what}", why=error.why, hint=error.hint) from None
    return {"mirrors": tuple(rules)}


def _download(place: _Place, value: object) -> Values:
    if not isinstance(value, dict):
        raise place.wrong("a table: [download], then \"https://host/\" = \"folder\"")
    try:
        return {"downloads": DownloadMap.parse(value, place.path.parent)}
    except InputError as error:
        raise InputError(f"{place.path}: 'download': {error.what}", why=error.why, hint=error.hint) from None


def _hosts(place: _Place, value: object) -> Values:
    if not isinstance(value, dict):
        raise place.wrong("tables: [hosts.NAME], then address = \"winrm://host\"")
    from ..host.address import from_table

    try:
        return {"hosts": {name: from_table(name, table, place.path.parent) for name, table in value.items()}}
    except InputError as error:
        raise InputError(f"{place.path}: {error.what}", why=error.why, hint=error.hint) from None


_KEYS: dict[str, Callable[[_Place, object], Values]] = {
    "store": _path, "cache": _path, "ca_file": _ca, "docker_config": _path, "docker_host": _text,
    "air_gapped": _flag, "offline": _flag, "insecure": _insecure, "retries": _retries,
    "mirrors": _mirrors, "download": _download, "hosts": _hosts,
}
"""Every key of the file and what reads it."""


# --- the environment --------------------------------------------------------------------------------------------------

def from_environment(environment: Mapping[str, str]) -> Values:
    """The settings in ``WCOW_*``. UsageError naming the variable when a value is wrong."""
    out: Values = {}
    for name, key in (("WCOW_STORE", "store"), ("WCOW_CACHE", "cache")):
        if environment.get(name):
            out[key] = Path(environment[name])
    for name, key in (("WCOW_CA_FILE", "ca_file"), ("WCOW_DOCKER_HOST", "docker_host")):
        if environment.get(name):
            out[key] = environment[name]
    for name, key in (("WCOW_OFFLINE", "offline"), ("WCOW_AIR_GAPPED", "air_gapped")):
        if name in environment:
            out[key] = _truth(name, environment[name])
    insecure = environment.get("WCOW_INSECURE")
    if insecure is not None:
        if insecure.lower() in TRUE | FALSE:
            out["insecure"] = insecure.lower() in TRUE
        else:
            out["insecure_registries"] = _words(insecure)
    if environment.get("WCOW_MIRRORS"):
        rules = _words(environment["WCOW_MIRRORS"])
        try:
            Mirrors.parse(rules)
        except UsageError as error:
            raise UsageError(f"WCOW_MIRRORS: {error.what}", why=error.why, hint=error.hint) from None
        out["mirrors"] = rules
    retries = environment.get("WCOW_RETRIES")
    if retries:
        if not retries.isdigit() or not 1 <= int(retries) <= 100:
            raise UsageError(f"WCOW_RETRIES is {quoted(retries)}", why="it must be a number from 1 to 100")
        out["retries"] = int(retries)
    return out


def _truth(name: str, text: str) -> bool:
    if text.lower() in TRUE | FALSE:
        return text.lower() in TRUE
    raise UsageError(f"{name} is {quoted(text)}", why="it must be 1 or 0")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


# --- all of them ------------------------------------------------------------------------------------------------------

def settle(command_line: Values, environment: Values, file: Values) -> Settings:
    """One setting from each source that has it, the first wins. A mirror rule replaces, in the sources after it, the
    rules for the same name; rules for other names stay."""
    merged = {**file, **environment, **command_line}
    rules: list[str] = []
    for source in (command_line, environment, file):
        taken = {rule.partition("=")[0] for rule in rules}
        rules += [rule for rule in source.get("mirrors", ()) if rule.partition("=")[0] not in taken]
    return Settings(**{**merged, "mirrors": tuple(rules)})
