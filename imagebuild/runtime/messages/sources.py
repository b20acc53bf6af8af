# SPDX-License-Identifier: Apache-2.0
"""Where the texts of Windows' system errors are on this machine.

impacket (PyPI, Debian's ``python3-impacket``) has 2,751 of them in today's wording, in a table of its source file,
which is read and not run. ``samba-libs`` has most of them in the older wording of [MS-ERREF]. Without either, Wine's
stay.
"""

from __future__ import annotations

import ast
import ctypes
import importlib.util
from dataclasses import dataclass
from pathlib import Path

_IMPACKET = ("impacket", "system_errors.py")
_DEBIAN = Path("/usr/lib/python3/dist-packages")
_SAMBA = "libsamba-errors.so.1"
_LAST_CODE = 16_000
"""Win32 codes end before; samba's function answers for one at a time."""
_UNKNOWN = b" code 0x"
_LARGEST = 8 << 20

HINT = "the Debian package python3-impacket, or samba-libs, has the texts of Windows"


@dataclass(frozen=True, slots=True)
class Source:
    """A package with the texts: ``name`` is ``impacket``, ``samba-libs`` or ``wine`` (there is none), ``key`` changes
    with what it holds."""

    name: str
    key: str
    path: Path | None = None

    def read(self) -> dict[int, str]:
        """Return the texts by error code, without line ends; empty where the package has another form. Never raises."""
        if self.path is not None:
            return read_impacket(self.path)
        return _read_samba() if self.name == "samba-libs" else {}


def find() -> Source:
    """Return the best source that is here; it is only looked for, not read. Never raises."""
    for path in _impacket_files():
        return Source("impacket", f"impacket-{path.stat().st_size}", path)
    return Source("samba-libs", "samba") if _samba() is not None else Source("wine", "wine")


def read_impacket(path: Path) -> dict[int, str]:
    """Return the texts in impacket's ``system_errors.py``, read as data; empty for a file of another form."""
    try:
        if path.stat().st_size > _LARGEST:
            return {}
        tree = ast.parse(path.read_bytes())
        for node in tree.body:
            if isinstance(node, ast.Assign) and [getattr(one, "id", "") for one in node.targets] == ["ERROR_MESSAGES"]:
                return {code: " ".join(text.split()) for code, (_unused, text) in ast.literal_eval(node.value).items()}
    except (OSError, SyntaxError, ValueError, TypeError, AttributeError, RecursionError, MemoryError):
        return {}
    return {}


def _impacket_files() -> list[Path]:
    try:
        spec = importlib.util.find_spec(_IMPACKET[0])
    except (ImportError, ValueError):  # not installed: the messages are Wine's own
        spec = None
    folders = [Path(one) for one in (spec.submodule_search_locations or ())] if spec else []
    return [path for path in (*(folder / _IMPACKET[1] for folder in folders), _DEBIAN.joinpath(*_IMPACKET))
            if path.is_file()]


def _samba() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(_SAMBA)
        library.get_friendly_werror_msg.restype = ctypes.c_char_p
        library.get_friendly_werror_msg.argtypes = [ctypes.c_uint32]
    except (OSError, AttributeError):  # not installed: the messages are Wine's own
        return None
    return library


def _read_samba() -> dict[int, str]:
    library = _samba()
    if library is None:
        return {}
    out: dict[int, str] = {}
    for code in range(_LAST_CODE):
        text = library.get_friendly_werror_msg(code)
        if text and _UNKNOWN not in text:
            out[code] = " ".join(text.decode("utf-8", "replace").split())
    return out
