# SPDX-License-Identifier: Apache-2.0
"""Keys and values of a registry hive, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Types of a value, winnt.h. Any other 32-bit number is legal too: SYSTEM hives are full of device property types.
REG_NONE = 0
REG_SZ = 1
REG_EXPAND_SZ = 2
REG_BINARY = 3
REG_DWORD = 4
REG_MULTI_SZ = 7
REG_QWORD = 11


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a key: ``name`` (empty for the default value), ``type`` (REG_*) and its ``data`` as kept on disk."""

    name: str
    type: int
    data: bytes

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

    def text(self) -> str:
        """The data as UTF-16LE text up to its first NUL; broken halves of surrogate pairs become U+FFFD."""
        data = self.data[: len(self.data) & ~1]
        return data.decode("utf-16-le", "replace").split("\0", 1)[0]


@dataclass(frozen=True, slots=True)
class Key:
    """One key and everything below it.

    ``security`` is a self-relative SECURITY_DESCRIPTOR; ``None`` takes the parent's. ``last_write`` is a FILETIME;
    ``None`` takes the hive's. Values keep their order, subkeys are sorted when a hive is written.
    """

    name: str
    values: tuple[Value, ...] = ()
    subkeys: tuple[Key, ...] = ()
    security: bytes | None = None
    class_name: str | None = None
    last_write: int | None = None


def _text(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass") + b"\0\0"
