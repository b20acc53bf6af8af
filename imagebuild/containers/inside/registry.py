# SPDX-License-Identifier: Apache-2.0
r"""The registry of a running container: ``box.registry[r"HKLM\Software\App"]["Version"] = "2"``.

Reads and writes go through ``reg`` in the container, so they see what its programs see at that moment.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING

from ...errors import DaemonError, NotFoundError, UsageError, quoted
from ..mounts.copy import ADMINISTRATOR
from . import regtext
from .regtext import Value

if TYPE_CHECKING:
    from ..container import Container

_LINE = re.compile(r"^ {4}(?P<name>.*?) {4}(?P<type>REG_[A-Z_]+)(?: {4}(?P<data>.*))?$")
_ROOTS = {"HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER", "HKCR": "HKEY_CLASSES_ROOT", "HKU": "HKEY_USERS",
          "HKCC": "HKEY_CURRENT_CONFIG"}
_DEFAULT = "(Default)"


class Registry(Mapping[str, "Key"]):
    """Keys by their path. ``in`` asks whether a key is there; to go through all keys is refused."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def __getitem__(self, path: str) -> Key:
        return Key(self._container, path)

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and Key(self._container, path).exists()

    def __iter__(self) -> Iterator[str]:
        return iter(_ROOTS)

    def __len__(self) -> int:
        return len(_ROOTS)


class Key(MutableMapping[str, Value]):
    """The values of one key by their name; ``""`` is the key's own. To set a value makes the key.

    A text is REG_SZ, a whole number REG_DWORD or REG_QWORD, bytes REG_BINARY, a tuple of texts REG_MULTI_SZ.
    :meth:`set` names another type.
    """

    def __init__(self, container: Container, path: str) -> None:
        root, _unused, rest = path.strip("\\").partition("\\")
        full = _ROOTS.get(root.upper(), root.upper())
        if full not in _ROOTS.values():
            raise UsageError(f"{quoted(path)} is not a key of the registry", hint=r"like HKLM\Software\App")
        self._container = container
        self.path = f"{full}\\{rest}" if rest else full

    def __repr__(self) -> str:
        return f"<Key {self.path}>"

    def exists(self) -> bool:
        """Whether the key is there."""
        return self._container.run(["reg", "query", self.path]).ok

    def values_and_keys(self) -> tuple[dict[str, Value], list[str]]:
        """All values, and the names of the keys below. Raises NotFoundError when the key is not there."""
        said = self._container.run(["reg", "query", self.path])
        if not said.ok:
            raise NotFoundError(f"cannot read {self.path} in the container",
                                why=said.stderr.strip() or "it is not there")
        lines = said.stdout.splitlines()
        keys = [line[len(self.path) + 1:] for line in lines if line.upper().startswith(self.path.upper() + "\\")]
        if "?" in said.stdout or "(null)" in said.stdout:  # letters that the console lacks; Wine does not print QWORDs
            return self._exported(), keys
        rows = [found for line in lines if (found := _LINE.match(line))]
        return {"" if row["name"] == _DEFAULT else row["name"]: _value(row["type"], row["data"] or "")
                for row in rows}, keys

    def _exported(self) -> dict[str, Value]:
        """The values of the key from a ``.reg`` file, which is UTF-16.

        The container's account exports it, as HKEY_CURRENT_USER is another one's for each. ``ContainerUser`` may make
        folders in ``C:\\``, and no files (Windows' access control list there).
        """
        folder = f"C:\\wcow-key-{secrets.token_hex(6)}"
        self._container.run(["cmd", "/d", "/c", "mkdir", folder]).check()
        try:
            file = f"{folder}\\key.reg"
            self._expect(["reg", "export", self.path, file, "/y"], "read")
            return regtext.values(self._container.path(file).read_text(), self.path)
        finally:
            self._container.run(["cmd", "/d", "/c", "rmdir", "/s", "/q", folder], user=ADMINISTRATOR)

    def subkeys(self) -> list[str]:
        """The names of the keys below."""
        return self.values_and_keys()[1]

    def __getitem__(self, name: str) -> Value:
        values = {key.casefold(): value for key, value in self.values_and_keys()[0].items()}
        return values[name.casefold()]

    def __setitem__(self, name: str, value: Value) -> None:
        self.set(name, value)

    def set(self, name: str, value: Value, kind: str = "") -> None:
        """Write a value, of the type ``kind`` (``REG_EXPAND_SZ`` …) where that is given."""
        kind, data = _written(value, kind)
        words = ["reg", "add", self.path, *(("/v", name) if name else ("/ve",)), "/t", kind, "/d", data, "/f"]
        if kind == "REG_MULTI_SZ":
            words += ["/s", "|"]
        self._expect(words, "write")

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._expect(["reg", "delete", self.path, *(("/v", name) if name else ("/ve",)), "/f"], "delete a value of")

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and name.casefold() in {key.casefold() for key in self.values_and_keys()[0]}
        except NotFoundError:  # a key that is not there has no values
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_and_keys()[0])

    def __len__(self) -> int:
        return len(self.values_and_keys()[0])

    def delete(self) -> None:
        """Remove the key with all that is below it."""
        self._expect(["reg", "delete", self.path, "/f"], "delete")

    def _expect(self, words: list[str], what: str) -> None:
        said = self._container.run(words)
        if not said.ok:
            raise DaemonError(f"cannot {what} {self.path} in the container", status=0,
                              why=(said.stderr or said.stdout).strip())


def _value(kind: str, data: str) -> Value:
    if kind in ("REG_DWORD", "REG_QWORD", "REG_DWORD_BIG_ENDIAN"):
        return int(data, 16)
    if kind in ("REG_BINARY", "REG_NONE"):
        return bytes.fromhex(data)
    if kind == "REG_MULTI_SZ":
        return tuple(data.split("\\0")) if data else ()
    return data


def _written(value: Value, kind: str) -> tuple[str, str]:
    if isinstance(value, bool) or not isinstance(value, str | int | bytes | tuple):
        raise UsageError(f"cannot write {quoted(value)} to the registry",
                         hint="a text, a number, bytes or a tuple of texts")
    if isinstance(value, int):
        if not 0 <= value < 1 << 64:
            raise UsageError(f"{value} is not a number of the registry", why="it has no sign and at most 64 bits")
        return kind or ("REG_DWORD" if value < 1 << 32 else "REG_QWORD"), str(value)
    if isinstance(value, bytes):
        return kind or "REG_BINARY", value.hex()
    if isinstance(value, tuple):
        if any("|" in text for text in value):
            raise UsageError("cannot write these texts to the registry", why="| separates them on the way")
        return kind or "REG_MULTI_SZ", "|".join(value)
    return kind or "REG_SZ", value
