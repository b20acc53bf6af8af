# SPDX-License-Identifier: Apache-2.0
"""``WWW-Authenticate``: what a registry wants to see (RFC 9110 11.6.1, distribution "Token Authentication")."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SCHEME = re.compile(r"[,\s]*([A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]*)(?=\s|,|$)")
_PARAMETER = re.compile(r"[,\s]*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"]+))")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate: ``scheme`` in lower case, and its parameters (names in lower case)."""

    scheme: str
    parameters: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str:
        """One parameter, ``""`` when absent."""
        return dict(self.parameters).get(name, "")


def parse(header: str) -> tuple[Challenge, ...]:
    """The challenges of a header's value, in order. What cannot be read is left out; it never raises."""
    header = header[:16384]
    out: list[Challenge] = []
    at = 0
    while found := _SCHEME.match(header, at):
        at = found.end()
        parameters: list[tuple[str, str]] = []
        while pair := _PARAMETER.match(header, at):
            at = pair.end()
            value = pair[3] if pair[2] is None else re.sub(r"\\(.)", r"\1", pair[2])
            parameters.append((pair[1].lower(), value))
        out.append(Challenge(found[1].lower(), tuple(parameters)))
    return tuple(out)
