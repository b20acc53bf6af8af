# SPDX-License-Identifier: Apache-2.0
"""Keys, values and their differences as ``wcow reg`` prints them: text in the manner of ``reg query``, or facts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...hive import KeyLike, Value
from ...hive.edits.compare import KeyChange
from ...hive.regfile.value_format import facts, show, type_name
from ...images.compare.hive_change import SEMANTICS, key_facts, sddl_of
from ...images.inspect.tree import shown
from ...windows.filetime import to_iso

DEFAULT = "(Default)"
LONGEST = 2000


def key_lines(path: str, key: KeyLike, *, long: bool) -> Iterator[str]:
    """A key and its values; with ``long`` its time, class and security too."""
    yield head_line(path, key)
    if long:
        if key.last_write:
            yield f"    written:  {to_iso(key.last_write)}"
        if key.class_name:
            yield f"    class:    {shown(key.class_name)}"
        if key.security is not None:
            yield f"    security: {sddl_of(key.security)}"
    values = key.values
    width = min(max((len(shown(value.name or DEFAULT)) for value in values), default=0), 40)
    for value in values:
        yield f"    {value_line(value, width)}"


def head_line(path: str, key: KeyLike) -> str:
    """The path of a key, and what it does to lower layers, if it is of one."""
    mark = SEMANTICS.get(key.semantics)
    return shown(path) + (f"  [{mark}]" if mark else "")


def value_line(value: Value, width: int = 0, *, longest: int = LONGEST) -> str:
    """``Start    REG_DWORD    0x2``."""
    name = shown(value.name) if value.name else DEFAULT
    if value.deleted:
        return f"{name:<{width}}    [deleted here]"
    return f"{name:<{width}}    {type_name(value.type)}    {_cut(shown(show(value)), longest)}".rstrip()


def change_lines(change: KeyChange) -> Iterator[str]:
    """A key that came, went or changed, and its values likewise."""
    aspects = f"  ({', '.join(change.aspects)})" if change.aspects else ""
    yield f"{change.mark()} {shown(change.path)}{aspects}"
    key = change.after if change.before is None else None
    if key is not None:
        yield from _new_lines(key)
    for value in change.values:
        if value.before is not None:
            yield f"    - {value_line(value.before)}"
        if value.after is not None:
            yield f"    + {value_line(value.after)}"
    if "security" in change.aspects and change.before is not None and change.after is not None:
        for mark, key in (("-", change.before), ("+", change.after)):
            if key.security is not None:
                yield f"    {mark} {sddl_of(key.security)}"


def change_facts(change: KeyChange) -> dict[str, Any]:
    """The same for JSON."""
    return {"path": change.path, "mark": change.mark(), "changed": list(change.aspects),
            "before": key_facts(change.path, change.before) if change.before is not None else None,
            "after": key_facts(change.path, change.after) if change.after is not None else None,
            "values": [{"before": facts(value.before) if value.before is not None else None,
                        "after": facts(value.after) if value.after is not None else None} for value in change.values]}


def _new_lines(key: KeyLike) -> Iterator[str]:
    for value in key.values:
        yield f"    + {value_line(value)}"
    below = len(key.subkeys)
    if below:
        yield f"    … and {below} subkey{'s' if below > 1 else ''}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest] + "…"
