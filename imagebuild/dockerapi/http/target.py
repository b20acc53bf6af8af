# SPDX-License-Identifier: Apache-2.0
"""The target of a request: a path and a query, from the bytes of its first line."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote_to_bytes

from .. import faults

_ABSOLUTE = re.compile(rb"https?://[^/?]*", re.IGNORECASE)
_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")
MAX_FIELDS = 10_000


def parse_target(target: bytes) -> tuple[str, dict[str, list[str]]]:
    """The decoded path, and the query's values by name. BadRequest for what is no target."""
    target = _ABSOLUTE.sub(b"", target, count=1) if target[:4].lower() == b"http" else target
    raw_path, _unused, raw_query = target.partition(b"?")
    if not raw_path.startswith(b"/") and raw_path != b"*":
        raise faults.BadRequest("invalid request target")
    broken = _BROKEN.search(target)
    if broken:
        piece = target[broken.start():broken.start() + 3].decode("ascii", "replace")
        raise faults.BadRequest(f'invalid URL escape "{piece}"')
    path = unquote_to_bytes(raw_path).decode("utf-8", "replace")
    try:
        query = parse_qs(raw_query.decode("ascii", "replace"), keep_blank_values=True, errors="replace",
                         max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise faults.BadRequest(str(error)) from None
    return path, query
