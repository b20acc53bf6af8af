# SPDX-License-Identifier: Apache-2.0
"""Two registry files of Wine without the keys that both have alike, so that comparing them costs what differs.

A file has some 5,000 keys, of which a container changes a few; reading both whole takes half a second.
"""

from __future__ import annotations

import re
from bisect import bisect_left

_KEYS = re.compile(rb"(?m)^(?=\[)")
_TIME = re.compile(rb"(?m)^#time=.*\n")
_SEPARATOR = b"\\\\"


def reduced(before: bytes, after: bytes) -> tuple[bytes, bytes]:
    """Return both files with the keys that differ and those above them. Times of keys do not count.

    What reads the results finds the same differences as in the whole files; a file that is damaged stays so.
    """
    (head_before, old), (head_after, new) = _keys(before), _keys(after)
    kept = {path for path in old.keys() | new.keys() if _plain(old, path) != _plain(new, path)}
    for path in tuple(kept):
        while _SEPARATOR in path:
            path = path.rpartition(_SEPARATOR)[0]
            kept.add(path)
    kept |= _implying(kept, old) | _implying(kept, new)
    return _joined(head_before, old, kept), _joined(head_after, new, kept)


def _implying(paths: set[bytes], keys: dict[bytes, list[bytes]]) -> set[bytes]:
    """A key below each path that has no text of its own: a file says of such a key only by those below it."""
    found, ordered = set[bytes](), sorted(keys)
    for path in paths - keys.keys():
        at = bisect_left(ordered, path + _SEPARATOR)
        if at < len(ordered) and ordered[at].startswith(path + _SEPARATOR):
            found.add(ordered[at])
    return found


def _keys(data: bytes) -> tuple[bytes, dict[bytes, list[bytes]]]:
    """What stands before the first key, and the texts of each key by its path in lower case; one may come twice."""
    head, *texts = _KEYS.split(data.replace(b"\r\n", b"\n"))
    found: dict[bytes, list[bytes]] = {}
    for text in texts:
        found.setdefault(text[1:text.find(b"]")].lower(), []).append(text)
    return head, found


def _plain(keys: dict[bytes, list[bytes]], path: bytes) -> list[bytes]:
    """The options and values of a key, as written."""
    return [_TIME.sub(b"", text.partition(b"\n")[2]).strip() for text in keys.get(path, ())]


def _joined(head: bytes, keys: dict[bytes, list[bytes]], kept: set[bytes]) -> bytes:
    return head + b"".join(text for path, texts in keys.items() if path in kept for text in texts)
