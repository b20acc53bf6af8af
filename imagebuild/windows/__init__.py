# SPDX-License-Identifier: Apache-2.0
"""What Windows itself fixes: names, times, attributes, accounts, access control lists, releases, command lines.

Pure facts and functions, no IO. Everything in ``__all__`` can be imported from here; each comes from the submodule of
its subject, which is loaded when first asked for, so that ``import imagebuild.windows`` costs next to nothing.
Vocabularies are modules, imported whole: ``from ..windows import filetime, status``. They are ``attributes``,
``filetime``, ``folders``, ``machine_json`` (the document with the facts of a machine), ``names``, ``security``,
``sid`` and ``status`` (NTSTATUS and HRESULT, by name and in words).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import attributes, filetime, folders, machine_json, names, security, sid, status
    from .acl.access import Access, GenericMapping, access_check
    from .acl.inherit import inherited
    from .acl.sddl import format_sddl, parse_sddl
    from .acl.text import describe, describe_ace
    from .facts.host import HostFacts
    from .facts.machine import MachineFacts
    from .folders import Folder, find_folder
    from .names import check_name, check_path, parse_path
    from .output import decode
    from .releases import Release, find_release, release
    from .security import Ace, Acl, SecurityDescriptor
    from .sid import Sid, account_name, find_account
    from .upcase import fold

_HOME = {
    "Access": "acl.access", "GenericMapping": "acl.access", "access_check": "acl.access",
    "Folder": "folders", "find_folder": "folders",
    "HostFacts": "facts.host", "MachineFacts": "facts.machine",
    "inherited": "acl.inherit",
    "check_name": "names", "check_path": "names", "parse_path": "names",
    "decode": "output", "Release": "releases", "find_release": "releases", "release": "releases",
    "format_sddl": "acl.sddl", "parse_sddl": "acl.sddl",
    "Ace": "security", "Acl": "security", "SecurityDescriptor": "security",
    "Sid": "sid", "account_name": "sid", "find_account": "sid",
    "fold": "upcase",
    "describe": "acl.text", "describe_ace": "acl.text",
}

_VOCABULARIES = frozenset((
    "attributes", "filetime", "folders", "machine_json", "names", "security", "sid", "status"))

__all__ = [
    "Access", "Ace", "Acl", "Folder", "GenericMapping", "HostFacts", "MachineFacts", "Release", "SecurityDescriptor",
    "Sid", "access_check", "account_name", "attributes", "check_name", "check_path", "decode", "describe",
    "describe_ace", "filetime", "find_account", "find_folder", "find_release", "fold", "folders", "format_sddl",
    "inherited", "machine_json", "names", "parse_path", "parse_sddl", "release", "security", "sid", "status",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _VOCABULARIES:
        return import_module(f".{name}", __name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value
