# SPDX-License-Identifier: Apache-2.0
"""URLs fit to be shown: without passwords, tokens or signatures."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

HIDDEN = "…"


def redact(url: str) -> str:
    """A URL with its user and password gone and the values of its query hidden (signatures and tokens live there)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return scrub(url.partition("?")[0])
    if not parts.scheme or "://" not in url:
        return scrub(url.partition("?")[0])
    host = parts.netloc.rpartition("@")[2]
    query = "&".join(f"{name}={HIDDEN}" if equals else HIDDEN
                     for name, equals, _unused in (field.partition("=") for field in parts.query.split("&") if field))
    fragment = f"#{HIDDEN}" if "=" in parts.fragment else f"#{parts.fragment}" if parts.fragment else ""
    return f"{parts.scheme}://{host}{parts.path}" + (f"?{query}" if query else "") + fragment


def scrub(text: str) -> str:
    """Text of another program without the user part and the query of any URL in it."""
    text = re.sub(r"(?<=://)[^/\s@'\"]+@", "", text)
    return re.sub(r"://[^\s'\"]++", _without_query, text)


def _without_query(found: re.Match[str]) -> str:
    place, _unused, query = found[0].partition("?")
    return f"{place}?{HIDDEN}" if query and place != "://" else found[0]
