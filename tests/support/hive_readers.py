# SPDX-License-Identifier: Apache-2.0
"""Other people's readers of registry hives, each as a function from a file to what it finds.

What is found: path of a key to its values as a sorted list of (name, type, data). How a reader spells a name that is no
Unicode is its own; a comparison asks one reader about two files.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.programs import Unavailable, run

Found = dict[str, list[tuple[str, int, bytes]]]

_HIVEX = r"""
import hivex, json, sys
h = hivex.Hivex(sys.argv[1])
out = []
def rec(node, path):
    values = []
    for value in h.node_values(node):
        kind, data = h.value_value(value)
        values.append((h.value_key(value), kind & 0xffffffff, data.hex()))
    out.append((path, values))
    for child in h.node_children(node):
        rec(child, path + "\\" + h.node_name(child))
sys.setrecursionlimit(5000)
rec(h.root(), "")
json.dump(out, sys.stdout)
"""


def _collected(pairs: list[tuple[str, list[tuple[str, int, bytes]]]]) -> Found:
    out: Found = {}
    for path, values in pairs:
        while path in out:  # two keys of one name
            path += "'"
        out[path] = sorted(values)
    return out


def hivex(path: Path) -> Found:
    """hivex (C), by the bindings of the system's Python; no virtual environment has them."""
    python = Path("/usr/bin/python3")
    if not python.exists() or run(python, "-c", "import hivex", ok=False).returncode:
        raise Unavailable("hivex's Python bindings are not installed (Debian package python3-hivex)")
    done = subprocess.run([python, "-c", _HIVEX, path], capture_output=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    return _collected([(key, [(name, kind, bytes.fromhex(data)) for name, kind, data in values])
                       for key, values in json.loads(done.stdout)])


def dissect(path: Path) -> Found:
    """dissect.regf (Python)."""
    try:
        from dissect.regf import regf
    except ImportError as error:
        raise Unavailable("dissect.regf is not installed") from error
    with path.open("rb") as stream:
        hive = regf.RegistryHive(stream)
        pairs = []
        stack: list[tuple[str, Any]] = [("", hive.root())]
        while stack:
            here, key = stack.pop()
            pairs.append((here, [(value.name if value.cell.NameLength else "", int(value.type), bytes(value.data))
                                 for value in key.values()]))
            stack += [(f"{here}\\{child.name}", child) for child in key.subkeys()]
    return _collected(pairs)


def libregf(path: Path) -> Found:
    """libregf (C)."""
    try:
        import pyregf
    except ImportError as error:
        raise Unavailable("libregf-python is not installed") from error
    file = pyregf.file()
    file.open(str(path))
    try:
        pairs = []
        stack: list[tuple[str, Any]] = [("", file.get_root_key())]
        while stack:
            here, key = stack.pop()
            values = [key.get_value(number) for number in range(key.number_of_values)]
            pairs.append((here, [(value.name or "", value.type, value.data or b"") for value in values]))
            for number in range(key.number_of_sub_keys):
                child = key.get_sub_key(number)
                stack.append((f"{here}\\{child.name}", child))
    finally:
        file.close()
    return _collected(pairs)


def python_registry(path: Path) -> Found:
    """python-registry (Python)."""
    try:
        from Registry import Registry
    except ImportError as error:
        raise Unavailable("python-registry is not installed") from error
    pairs = []
    stack: list[tuple[str, Any]] = [("", Registry.Registry(str(path)).root())]
    while stack:
        here, key = stack.pop()
        pairs.append((here, [("" if value.name() == "(default)" else value.name(), value._vkrecord.data_type(),
                              bytes(value.raw_data())) for value in key.values()]))
        stack += [(f"{here}\\{child.name()}", child) for child in key.subkeys()]
    return _collected(pairs)


READERS: dict[str, Callable[[Path], Found]] = {
    "hivex": hivex, "dissect.regf": dissect, "libregf": libregf, "python-registry": python_registry}
