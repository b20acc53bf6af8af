# SPDX-License-Identifier: Apache-2.0
"""Keeps secrets out of errors and logs: credentials in URLs, signatures in queries, tokens in headers."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "xxxxx"

# Query fields that name things. Every other value is hidden: signed URLs of blob storages carry their secret under
# a different name at each provider.
_PLAIN = frozenset({"n", "last", "mount", "from", "digest", "tag", "names", "scope", "service", "ns", "quiet"})

_USERINFO = re.compile(r"(://)[^/\s?#'\"<>]*@")
_QUERY = re.compile(r"([?&;])([A-Za-z0-9_.%\[\]-]+)=([^&;\s'\")<>]*)")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}")
_JSON = re.compile(r"(?i)(\"?(?:access_|refresh_|identity)?(?:token|password|secret|auth)\"?\s*[:=]\s*\"?)"
                   r"[^\s\",}&]{4,}")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` with everything that may be a secret replaced; ``secrets`` are hidden wherever they stand."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, MASK)
    text = _USERINFO.sub(r"\1", text)
    text = _QUERY.sub(_query, text)
    text = _SCHEME.sub(rf"\1 {MASK}", text)
    return _JSON.sub(rf"\1{MASK}", text)


def printable(text: str, limit: int = 300) -> str:
    """A stranger's text on one line, without control characters (a terminal obeys some), cut to ``limit``."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= limit else line[:limit] + "…"


def _query(found: re.Match[str]) -> str:
    mark, name, value = found.groups()
    return f"{mark}{name}={value if name.lower() in _PLAIN else MASK}"
