# SPDX-License-Identifier: Apache-2.0
"""``RUN --mount=…`` as values (BuildKit ``instructions/commands_runmount.go``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

from ..errors import FormatError, quoted
from .suggest import closest
from .values import boolean, size, unsigned

_KEYS = ("type", "from", "source", "src", "target", "dst", "destination", "readonly", "ro", "readwrite", "rw",
         "required", "size", "id", "sharing", "mode", "uid", "gid", "env")
_E = TypeVar("_E", bound=Enum)
_SYNONYMS = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly", "rw": "readwrite"}


class MountType(Enum):
    """What is mounted."""

    BIND = "bind"
    CACHE = "cache"
    TMPFS = "tmpfs"
    SECRET = "secret"
    SSH = "ssh"


class Sharing(Enum):
    """How a cache is shared by builds that run at the same time."""

    SHARED = "shared"
    PRIVATE = "private"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount.

    ``word`` is the option text as written. Until it has been expanded (:func:`parse_mount` with ``expand``) text
    fields hold raw words, and an option whose value contains a variable and is not text is left at its default.
    ``read_only`` follows the type unless given: caches and tmpfs can be written.
    """

    word: str
    type: MountType = MountType.BIND
    source_stage: str = ""
    source: str = ""
    target: str = ""
    read_only: bool = True
    size: int = 0
    id: str = ""
    sharing: Sharing | None = None
    required: bool = False
    env: str | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


def parse_mount(word: str, expand: Callable[[str], str] | None = None) -> Mount:
    """Read ``type=cache,target=C:\\x``. ``expand`` is applied to every value; ``FormatError`` says what is wrong."""
    mount, given = Mount(word), set()
    type_known = True
    for field in _fields(word):
        key, equals, value = field.partition("=")
        key = _SYNONYMS.get(key.lower(), key.lower())
        if key not in _KEYS:
            near = closest(key, _KEYS)
            raise _bad(word, f"{quoted(key)} is not an option of a mount", f"did you mean {near}?" if near else "")
        if not equals:
            if key not in ("readonly", "readwrite", "required"):
                raise _bad(word, f"{key} needs a value")
            value = "true"
        elif key == "from" and "$" in value[:-1]:
            raise _bad(word, "variables are not expanded in from", "give the image a stage of its own: FROM … AS name")
        if equals and expand is not None:
            value = expand(value)
        elif "$" in value and key not in ("from", "source", "target", "id", "env"):
            type_known = type_known and key != "type"
            continue
        mount = _with(mount, key, value, word)
        given.add(key)
    if not given & {"readonly", "readwrite"}:
        mount = replace(mount, read_only=mount.type not in (MountType.CACHE, MountType.TMPFS))
    if type_known:
        _check(mount, given)
    return mount


def _with(mount: Mount, key: str, value: str, word: str) -> Mount:
    try:
        match key:
            case "type":
                return replace(mount, type=_member(MountType, value, word))
            case "sharing":
                return replace(mount, sharing=_member(Sharing, value, word))
            case "from":
                return replace(mount, source_stage=value)
            case "source":
                return replace(mount, source=value)
            case "target":
                return replace(mount, target=value)
            case "id":
                return replace(mount, id=value)
            case "env":
                return replace(mount, env=value)
            case "readonly":
                return replace(mount, read_only=boolean(value))
            case "readwrite":
                return replace(mount, read_only=not boolean(value))
            case "required":
                return replace(mount, required=boolean(value))
            case "size":
                return replace(mount, size=size(value))
            case "mode":
                return replace(mount, mode=unsigned(value, 8))
            case "uid":
                return replace(mount, uid=unsigned(value))
            case _:
                return replace(mount, gid=unsigned(value))
    except FormatError as error:
        if error.what.startswith("--mount"):
            raise
        raise _bad(word, f"{key}: {error}") from None


def _member(kind: type[_E], value: str, word: str) -> _E:
    names = [str(member.value) for member in kind]
    if value.lower() not in names:
        near = closest(value, names)
        raise _bad(word, f"{quoted(value)} is not one of {', '.join(names)}", f"did you mean {near}?" if near else "")
    return kind(value.lower())


def _check(mount: Mount, given: set[str]) -> None:
    """What a type does not take. BuildKit looks at some of these in the order written; the outcome is the same."""
    kind = mount.type
    secret_like = kind in (MountType.SECRET, MountType.SSH)
    for key, allowed in (("required", secret_like), ("size", kind is MountType.TMPFS),
                         ("sharing", kind is MountType.CACHE),
                         *((owner, secret_like or kind is MountType.CACHE) for owner in ("mode", "uid", "gid"))):
        if key in given and not allowed:
            raise _bad(mount.word, f"a {kind.value} mount takes no {key}")
    if kind is MountType.SECRET:
        if mount.source_stage:
            raise _bad(mount.word, "a secret mount takes no from")
        if not (mount.source or mount.target or mount.id):
            raise _bad(mount.word, "a secret mount needs an id or a target")
        if mount.source and mount.id:
            raise _bad(mount.word, "a secret mount takes source or id, not both")


def _fields(word: str) -> list[str]:
    """One CSV record; a field may stand in double quotes, with ``""`` for a quote."""
    fields: list[str] = []
    pos = 0
    while True:
        if word.startswith('"', pos):
            field, pos = "", pos + 1
            while True:
                end = word.find('"', pos)
                if end < 0:
                    raise _bad(word, "the closing quote is missing")
                field, pos = field + word[pos:end], end + 1
                if not word.startswith('"', pos):
                    break
                field, pos = field + '"', pos + 1
            if pos < len(word) and word[pos] != ",":
                raise _bad(word, "a quote inside a field")
        else:
            end = word.find(",", pos)
            field, pos = (word[pos:], len(word)) if end < 0 else (word[pos:end], end)
            if '"' in field:
                raise _bad(word, "a quote inside a field")
        fields.append(field)
        if pos >= len(word):
            return fields
        pos += 1


def _bad(word: str, why: str, hint: str = "") -> FormatError:
    return FormatError(f"--mount={word} cannot be used", why=why, hint=hint)
