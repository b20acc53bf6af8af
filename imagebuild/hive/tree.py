# SPDX-License-Identifier: Apache-2.0
"""Keys and values of a registry, as values; and what every kind of key looks like to those who read one.

There are three kinds: :class:`Key`, a value that holds everything below it; ``reader.HiveKey``, which reads its hive
when it is asked; ``union.UnionKey``, which asks a base and the deltas above it. All look like :class:`KeyLike`, and
whoever writes, compares, exports or merges takes any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self, SupportsIndex, TypeVar, overload

from ..windows.upcase import fold

# Types of a value, winnt.h. Any other 32-bit number is legal too: SYSTEM hives are full of device property types.
REG_NONE = 0
REG_SZ = 1
REG_EXPAND_SZ = 2
REG_BINARY = 3
REG_DWORD = 4
REG_DWORD_BIG_ENDIAN = 5
REG_LINK = 6
REG_MULTI_SZ = 7
REG_RESOURCE_LIST = 8
REG_FULL_RESOURCE_DESCRIPTOR = 9
REG_RESOURCE_REQUIREMENTS_LIST = 10
REG_QWORD = 11

# What a key of a delta says about the keys of its path in the layers below (nk byte 13, msuhanov/regf).
MERGE = 0
"""It adds to them."""
TOMBSTONE = 1
"""They are gone, and everything below them."""
SUPERSEDE_LOCAL = 2
"""Their values, class and security are replaced; their subkeys are still there."""
SUPERSEDE_TREE = 3
"""They are replaced, and everything below them."""

SYMLINK = 0x10
"""A flag of a key: it stands for the key that its value ``SymbolicLinkValue`` (REG_LINK) names."""
NO_DELETE = 0x08
"""A flag of a key: Windows does not let it be deleted. Every root has it."""


class Value(NamedTuple):
    """One value of a key: ``name`` (empty for the default value), ``type`` (REG_*) and its ``data`` as kept on disk.

    ``deleted``, in a delta only, makes it a tombstone: the layers below have such a value, the union has not. A tuple,
    not a dataclass, because a hive has a hundred thousand of them and a tuple is made in a third of the time.
    """

    name: str
    type: int
    data: bytes
    deleted: bool = False

    @classmethod
    def sz(cls, name: str, text: str) -> Value:
        """A REG_SZ value: UTF-16LE with its terminating NUL."""
        return cls(name, REG_SZ, _text(text))

    @classmethod
    def expand_sz(cls, name: str, text: str) -> Value:
        """A REG_EXPAND_SZ value: text in which ``%NAME%`` stands for a variable."""
        return cls(name, REG_EXPAND_SZ, _text(text))

    @classmethod
    def multi_sz(cls, name: str, texts: Sequence[str]) -> Value:
        """A REG_MULTI_SZ value: each text with its NUL, and one NUL more at the end."""
        return cls(name, REG_MULTI_SZ, b"".join(map(_text, texts)) + b"\0\0")

    @classmethod
    def dword(cls, name: str, number: int) -> Value:
        """A REG_DWORD value: 32 bits, little-endian."""
        return cls(name, REG_DWORD, number.to_bytes(4, "little"))

    @classmethod
    def qword(cls, name: str, number: int) -> Value:
        """A REG_QWORD value: 64 bits, little-endian."""
        return cls(name, REG_QWORD, number.to_bytes(8, "little"))

    @classmethod
    def tombstone(cls, name: str) -> Value:
        """What a delta holds in place of a value that it deletes."""
        return cls(name, REG_NONE, b"", True)

    def text(self) -> str:
        """The data as UTF-16LE text up to its first NUL; broken halves of surrogate pairs become U+FFFD."""
        data = self.data[: len(self.data) & ~1]
        return data.decode("utf-16-le", "replace").split("\0", 1)[0]

    def texts(self) -> tuple[str, ...]:
        """The data as the texts of a REG_MULTI_SZ: up to the first empty one."""
        data = self.data[: len(self.data) & ~1]
        return tuple(data.decode("utf-16-le", "replace").split("\0\0", 1)[0].rstrip("\0").split("\0")) if data else ()

    def number(self) -> int:
        """The data as an unsigned number, in the byte order of its type."""
        return int.from_bytes(self.data, "big" if self.type == REG_DWORD_BIG_ENDIAN else "little")


class Values(tuple[Value, ...]):
    """The values of a key in their order; ``values["Start"]`` is the one of that name, in any case."""

    __slots__ = ()

    @overload
    def __getitem__(self, which: SupportsIndex) -> Value: ...
    @overload
    def __getitem__(self, which: slice[Any, Any, Any]) -> tuple[Value, ...]: ...
    @overload
    def __getitem__(self, which: str) -> Value: ...

    def __getitem__(self, which: SupportsIndex | slice[Any, Any, Any] | str) -> Value | tuple[Value, ...]:
        if isinstance(which, str):
            found = self.get(which)
            if found is None:
                raise KeyError(which)
            return found
        return tuple.__getitem__(self, which)

    def __contains__(self, which: object) -> bool:
        return self.get(which) is not None if isinstance(which, str) else tuple.__contains__(self, which)

    def get(self, name: str) -> Value | None:
        """The value of that name as Windows compares names, None where there is none."""
        for value in self:
            if value[0] == name:
                return value
        folded = fold(name)
        for value in self:
            if fold(value[0]) == folded:
                return value
        return None


class KeyLike(Protocol):
    """One key and what is below it, whoever knows it."""

    @property
    def name(self) -> str:
        """Its own name, in the casing it was made with."""

    @property
    def values(self) -> Values:
        """Its values; in a delta, tombstones too."""

    @property
    def subkeys(self) -> Sequence[KeyLike]:
        """Its subkeys; in a delta, tombstones too."""

    @property
    def security(self) -> bytes | None:
        """Its self-relative SECURITY_DESCRIPTOR; None is the parent's."""

    @property
    def class_name(self) -> str | None:
        """Its class, which few keys have."""

    @property
    def last_write(self) -> int | None:
        """When it was last changed, a FILETIME; None is the time its hive gets."""

    @property
    def flags(self) -> int:
        """:data:`SYMLINK`, :data:`NO_DELETE` and the others that say something about the key, not about its record."""

    @property
    def control(self) -> int:
        """Byte 54 of its record: VirtControlFlags in the high nibble (0xA0 everywhere in SOFTWARE), UserFlags below."""

    @property
    def semantics(self) -> int:
        """:data:`MERGE` to :data:`SUPERSEDE_TREE`; MERGE outside deltas."""

    @property
    def inherit_class(self) -> bool:
        """In a delta: the class is that of the next lower layer."""

    def child(self, name: str) -> KeyLike | None:
        """The subkey of that name as Windows compares names, None where there is none."""


class _Placed(Protocol):
    """A key whose subkeys are of its own kind: one of :class:`KeyLike`, or of what looks like it."""

    @property
    def name(self) -> str: ...
    @property
    def subkeys(self) -> Sequence[Self]: ...
    def child(self, name: str, /) -> Self | None: ...


_K = TypeVar("_K", bound=_Placed)


@dataclass(frozen=True, slots=True, init=False)
class Key:
    """One key and everything below it, as a value. Its fields are those of :class:`KeyLike`.

    Values keep their order; subkeys are sorted when a hive is written.
    """

    name: str
    values: Values
    subkeys: tuple[Key, ...]
    security: bytes | None
    class_name: str | None
    last_write: int | None
    flags: int
    control: int
    semantics: int
    inherit_class: bool

    def __init__(self, name: str, values: Iterable[Value] = (), subkeys: Iterable[Key] = (),
                 security: bytes | None = None, class_name: str | None = None, last_write: int | None = None,
                 flags: int = 0, control: int = 0, semantics: int = MERGE, inherit_class: bool = False) -> None:
        put = object.__setattr__
        put(self, "name", name)
        put(self, "values", values if isinstance(values, Values) else Values(values))
        put(self, "subkeys", tuple(subkeys))
        put(self, "security", security)
        put(self, "class_name", class_name)
        put(self, "last_write", last_write)
        put(self, "flags", flags)
        put(self, "control", control)
        put(self, "semantics", semantics)
        put(self, "inherit_class", inherit_class)

    def child(self, name: str) -> Key | None:
        """The subkey of that name as Windows compares names, None where there is none."""
        folded = fold(name)
        return next((key for key in self.subkeys if fold(key.name) == folded), None)

    def get(self, path: str) -> Key | None:
        r"""The key at a path below this one (``Control\Session Manager``), None where there is none."""
        return find(self, path)

    def __getitem__(self, path: str) -> Key:
        found = self.get(path)
        if found is None:
            raise KeyError(path)
        return found


def find(key: _K, path: str) -> _K | None:
    """The key at a path below ``key``, names compared as Windows compares them; None where there is none."""
    found: _K | None = key
    for part in split(path):
        if found is None:
            return None
        found = found.child(part)
    return found


def spelt(key: KeyLike, path: str) -> str:
    """A path below ``key`` in the casing that its keys have; names that are not there stay as they are."""
    names = split(path)
    found: KeyLike | None = key
    for depth, name in enumerate(names):
        found = found.child(name) if found is not None else None
        names[depth] = found.name if found is not None else name
    return "\\".join(names)


def split(path: str) -> list[str]:
    r"""The names of a path; backslashes at its ends or doubled ones do not count."""
    return [part for part in path.split("\\") if part]


def walk(key: _K, path: str = "") -> Iterator[tuple[str, _K]]:
    """``key`` and every key below it, each with its path (the first has ``path``), parents first."""
    yield path, key
    prefix = path + "\\" if path else ""
    stack = [(prefix, child) for child in reversed(key.subkeys)]
    while stack:  # of paths it holds the prefixes, each once: a deep key may have many subkeys
        prefix, key = stack.pop()
        path = prefix + key.name
        yield path, key
        prefix = path + "\\" if path else ""
        stack += [(prefix, child) for child in reversed(key.subkeys)]


def freeze(key: KeyLike) -> Key:
    """Everything below a key of any kind as one value. Recursion is as deep as the registry may be: 512."""
    if isinstance(key, Key):
        return key
    subkeys = []  # a plain loop: before Python 3.12 a comprehension is a second frame at each level
    for child in key.subkeys:
        subkeys.append(freeze(child))
    return Key(key.name, key.values, tuple(subkeys), key.security, key.class_name, key.last_write, key.flags,
               key.control, key.semantics, key.inherit_class)


def _text(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass") + b"\0\0"
