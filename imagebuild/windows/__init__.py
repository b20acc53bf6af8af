# SPDX-License-Identifier: Apache-2.0
"""What Windows itself fixes: names, times, attributes, accounts, access control lists, releases, command lines.

Pure facts and functions, no IO. Everything below can be imported from here; each comes from the submodule of its
subject, which is loaded when first asked for, so that ``import imagebuild.windows`` costs next to nothing.
Modules that are vocabularies of their own (``filetime``, ``attributes``, ``names``, ``upcase``, ``sid``) are also
meant to be imported whole: ``from ..windows import filetime``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .names import check_name, check_path, parse_path
    from .sid import Sid, account_name, find_account
    from .upcase import fold

__all__ = [
    "Sid",
    "account_name",
    "check_name",
    "check_path",
    "find_account",
    "fold",
    "parse_path",
]

_HOME = {
    "Sid": "sid",
    "account_name": "sid",
    "check_name": "names",
    "check_path": "names",
    "find_account": "sid",
    "fold": "upcase",
    "parse_path": "names",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value
