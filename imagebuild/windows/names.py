# SPDX-License-Identifier: Apache-2.0
"""Names and paths: what a file may be called on Windows, and what a path in a Dockerfile points at.

Rules: Microsoft, "Naming Files, Paths, and Namespaces" and [MS-FSCC] 2.1.5. A path is a tuple of components below
``C:\\``, the only drive an image has; ``()`` is ``C:\\`` itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from operator import lt

from ..errors import UnsupportedError, quoted
from .upcase import fold

MAX_NAME = 255
"""UTF-16 units in one component on NTFS."""
MAX_PATH = 32_767
"""UTF-16 units in a whole path, the limit of UNICODE_STRING, which ``\\\\?\\`` paths reach."""

_FORBIDDEN = frozenset('<>:"|?*/\\')
_PORTS = "123456789\u00b9\u00b2\u00b3"
RESERVED = frozenset({"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
                     | {f"{port}{digit}" for port in ("COM", "LPT") for digit in _PORTS})
"""DOS devices, in upper case; each also with anything after a dot. The superscript digits count as digits."""


# No device, no .wh., only ASCII that means nothing to Windows, no dot or space or comma at the end. Slashes divide.
_PLAIN = re.compile(r"(?:(?!con|prn|aux|nul|com|lpt|\.wh)[\w\-.+ ()~@,=]{0,200}[\w\-+()~@]/)*",
                    re.ASCII | re.IGNORECASE)


def are_plain(names: Sequence[str]) -> bool:
    """Whether there is certainly nothing to object to in any of the names: one look at all of them.

    Plain names are ASCII of at most 201 characters. ``False`` means only that somebody has to look closer.
    """
    text = "/".join((*names, ""))
    return text.count("/") == len(names) and _PLAIN.fullmatch(text) is not None


def plain_keys(names: Sequence[str]) -> list[str]:
    """The folded forms of names that are plain."""
    return "/".join(names).upper().split("/") if names else []


def ascend(keys: Sequence[str]) -> bool:
    """Whether each key is above the one before it, so that no two are the same."""
    return all(map(lt, keys, keys[1:]))


def check_name(name: str) -> None:
    """Return quietly when ``name`` can be one component of a path, else raise ``UnsupportedError`` saying why not.

    Win32 strips dots and spaces at the end and sends device names to the device, so that such a file, though NTFS
    could hold it, could be neither opened nor deleted by ordinary programs.
    """
    why = _objection(name)
    if why:
        shown = name if len(name) <= 80 else name[:77] + "..."
        raise UnsupportedError(f"{quoted(shown)} cannot be a file name on Windows", why=why, hint="rename it",
                               name=name)


def check_path(path: Iterable[str]) -> None:
    """``check_name`` for every component, and the length of the whole path."""
    components = tuple(path)
    for name in components:
        check_name(name)
    length = _units(join(components))
    if length > MAX_PATH:
        raise UnsupportedError("the path is too long for Windows", why=f"{length} UTF-16 units of {MAX_PATH} allowed",
                               hint="use shorter or fewer folder names", path=join(components))


def is_reserved(name: str) -> bool:
    """Whether Win32 takes ``name`` for a device: ``NUL``, ``con.txt``, ``aux .log``, ``COM1``."""
    return fold(name.split(".", 1)[0].rstrip(" ")) in RESERVED


def parse_path(text: str, cwd: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The components below ``C:\\`` that a path as people write it names, seen from ``cwd``.

    ``C:\\x``, ``C:/x``, ``/x``, ``\\x`` start at the root; ``x``, ``C:x``, ``C:`` and ``""`` at ``cwd``. ``.`` and
    ``..`` are worked out, ``..`` never leaves the root; slashes at the end and doubled ones inside are ignored;
    ``\\\\?\\C:\\x`` is ``C:\\x``. ``UnsupportedError`` for another drive, a network path or a device. Names are not
    checked, so that a pattern can be passed: use ``check_path`` on what comes back before creating it.
    """
    path = text.replace("/", "\\")
    if path[:4] in ("\\\\?\\", "\\??\\") and path[5:6] == ":":
        path = path[4:]
    if path.startswith("\\\\"):
        raise UnsupportedError(f"cannot use the path {quoted(text)}", path=text, hint="write it like C:\\folder",
                               why="it names a device or a network share, and an image has only the drive C:")
    if path[1:2] == ":":
        if path[0] not in "Cc":
            raise UnsupportedError(f"cannot use the path {quoted(text)}", path=text, hint="write it like C:\\folder",
                                   why=f"an image has only the drive C:, not {path[:2].upper()}")
        path = path[2:]
    components = [] if path.startswith("\\") else list(cwd)
    for name in path.split("\\"):
        if name == "..":
            del components[-1:]
        elif name not in ("", "."):
            components.append(name)
    return tuple(components)


def is_absolute(text: str) -> bool:
    """Whether ``parse_path`` would ignore ``cwd``: ``C:\\x``, ``/x``, ``\\x``; not ``x``, ``C:x``, ``C:``."""
    path = text[2:] if text[1:2] == ":" else text
    return path.startswith(("/", "\\"))


def join(path: Iterable[str]) -> str:
    """The path as Windows prints it: ``C:\\a\\b``, and ``C:\\`` for the root."""
    return "C:\\" + "\\".join(path)


def _objection(name: str) -> str:
    """Why ``name`` cannot be used, or nothing."""
    if name in ("", ".", ".."):
        return "it is empty" if not name else f"{quoted(name)} means a folder, not a name in it"
    for char in name:
        if char in _FORBIDDEN:
            meaning = "; alternate streams cannot be put into a layer" if char == ":" else ""
            return f"{quoted(char)} is not allowed in a name{meaning}"
        if char < " ":
            return f"the control character U+{ord(char):04X} is not allowed in a name"
        if "\ud800" <= char <= "\udfff":
            return f"half a surrogate pair, U+{ord(char):04X}, cannot be written into a layer's UTF-8"
    if name[-1] in ". ":
        return "Windows drops a dot or space at the end of a name"
    if is_reserved(name):
        return f"{fold(name.split('.', 1)[0].rstrip(' '))} is a device on Windows"
    length = _units(name)
    if length > MAX_NAME:
        return f"it has {length} UTF-16 units, {MAX_NAME} are allowed"
    return ""


def _units(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)
